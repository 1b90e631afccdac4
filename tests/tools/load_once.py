"""Do once in a process what libraries do anew for each client or request: 0.1 s of CPU for a client of AWS."""

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from inspect import getfullargspec
from typing import Any

import botocore.hooks
import botocore.httpsession
import certifi
import httpx
import httpx._transports.default
import pytest
from botocore.hooks import BaseEventHooks, EventAliaser
from botocore.loaders import JSONFileLoader, Loader, create_loader

from scripts.bootstrap import TOOLS


def load_once() -> None:
    """Keep the data files of botocore, and what it finds out about its handlers and the names of their events.

    Clients trust one authority: no test speaks to a public server. Those of httpx share its context, and do not look
    for sniffio at each request.
    """
    load_file = cache(JSONFileLoader().load_file)
    list_services = cache(create_loader().list_available_services)
    aliaser: Any = EventAliaser(BaseEventHooks())  # which keeps what it has found
    bundle = _one_authority()
    alias = aliaser._alias_event_name  # noqa: SLF001  # it has no other way in
    patch = pytest.MonkeyPatch()  # for the life of the process
    patch.setattr(JSONFileLoader, "load_file", lambda _, path: load_file(path))
    patch.setattr(Loader, "list_available_services", lambda _, type_name: list_services(type_name))
    patch.setattr(EventAliaser, "_alias_event_name", lambda _, name: alias(name))
    patch.setattr(botocore.hooks, "accepts_kwargs", _accepts_kwargs)
    for module in (certifi, botocore.httpsession):
        patch.setattr(module, "where", lambda: bundle)
    patch.setattr(httpx._transports.default, "create_ssl_context", cache(httpx.create_ssl_context))  # noqa: SLF001  # as above
    if not find_spec("sniffio"):
        patch.setitem(sys.modules, "sniffio", None)  # which says that there is none


def _accepts_kwargs(handler: Callable[..., Any]) -> str | None:
    """Return the name of the parameter for further keywords, which never changes for a function of a module."""
    function = getattr(handler, "__func__", handler)
    is_kept = "<locals>" not in getattr(function, "__qualname__", "<locals>")
    return _name_of_kwargs(function) if is_kept else getfullargspec(handler)[2]


@cache
def _name_of_kwargs(function: Callable[..., Any]) -> str | None:
    return getfullargspec(function)[2]


def _one_authority() -> str:
    """Return a file with the first certificate of certifi's bundle."""
    file = TOOLS / "one-authority.pem"
    if not file.exists():
        first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
        file.parent.mkdir(exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(first + end)
        new.rename(file)
    return str(file)
