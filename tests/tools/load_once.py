"""Load once in a process what libraries load anew for each client, which takes 0.1 s of CPU each time."""

import os
from functools import cache

import botocore.httpsession
import certifi
import pytest
from botocore.loaders import JSONFileLoader, Loader, create_loader

from scripts.bootstrap import TOOLS


def load_once() -> None:
    """Keep the data files of botocore, and have clients trust one authority: no test speaks to a public server."""
    load_file = cache(JSONFileLoader().load_file)
    list_services = cache(create_loader().list_available_services)
    bundle = _one_authority()
    patch = pytest.MonkeyPatch()  # for the life of the process
    patch.setattr(JSONFileLoader, "load_file", lambda _, path: load_file(path))
    patch.setattr(Loader, "list_available_services", lambda _, type_name: list_services(type_name))
    for module in (certifi, botocore.httpsession):
        patch.setattr(module, "where", lambda: bundle)


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
