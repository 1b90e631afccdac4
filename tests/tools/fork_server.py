"""A process that has loaded the service and the command line, and forks for each run: loading takes 2 s of CPU.

All processes of a test run share it. A fork ends without taking apart what was loaded: that touches, and so copies, all
of it, which takes 0.15 s of CPU.

A request has a connection of its own: a JSON object {"program", "arguments", "env", "constants", "cwd"} with four
descriptors, the standard streams of the program, and a pipe that gets its process id and, at its end, its exit code.
"""

import asyncio
import atexit
import gc
import inspect
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import is_dataclass
from importlib import import_module
from io import StringIO
from typing import Any, Final

from botocore.loaders import create_loader

from app.__main__ import main as serve
from app.cli.main import COMMANDS, run
from app.cli.screen import show_table
from app.gateways.dynamodb.client import open_client
from app.settings import TableSettings
from app.users.name_rules import NameRules
from scripts.up import main as up
from tests.tools.load_once import load_once

PROGRAMS: Final = {"cruddur": run, "app": serve, "up": up}
LOADED_LATER: Final = (
    "anyio._backends._asyncio",
    "app.cli.services",
    "app.gateways.aws",
    "app.gateways.dynamodb.operator",
    "app.gateways.valkey.router",
    "app.gateways.valkey.subscriber",
    "encodings.idna",
    "h11",
    "httpcore",
    "rich.console",
    "rich.progress",
    "rich.table",
    "rich.text",
    "sqlalchemy.ext.asyncio",
    "typer._adapters",
    "typer._click.decorators",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
)
"""Modules that programs import when they need them."""


def main(listener: socket.socket, run: socket.socket) -> None:
    """Serve until the other end of `run` is closed. A program leaves by its return or the exception of its end."""
    for module in [*(f"app.cli.{entry.module}" for entry in COMMANDS.values()), *LOADED_LATER]:
        import_module(module)
    load_once()
    asyncio.run(_load_files())
    _fill_caches()
    gc.freeze()  # so that no collection in a child touches, and so copies, what was loaded here
    reports: dict[int, int] = {}  # descriptors, by the ids of the processes that run
    ended, wakeup = socket.socketpair()
    for each in (ended, wakeup):
        each.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup.fileno())
    while run not in (ready := select.select([listener, run, ended], [], [])[0]):
        if ended in ready:
            ended.recv(1 << 16)
            _report_ends(reports)
        if listener in ready and (asked := _accept(listener)):
            request, *streams, report = asked
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _close(*(each.detach() for each in (listener, run, ended, wakeup)), report, *reports.values())
                run_program(json.loads(request), streams)
                return
            _close(*streams)
            reports[pid] = report
            _report(report, pid)


def _accept(listener: socket.socket) -> tuple[Any, ...]:
    """Return a request and its four descriptors; nothing, if the process that asked is gone."""
    with listener.accept()[0] as connection:
        request, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 4)
    return (request, *descriptors) if request else ()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _report_ends(reports: dict[int, int]) -> None:
    """Report the exit codes of the processes that have ended."""
    while reports and (end := os.waitpid(-1, os.WNOHANG))[0]:
        pid, status = end
        report = reports.pop(pid)
        _report(report, os.waitstatus_to_exitcode(status))
        os.close(report)


def _report(report: int, number: int) -> None:
    """Write a number, unless the process that asked is gone."""
    with suppress(BrokenPipeError):
        os.write(report, f"{number}\n".encode())


async def _load_files() -> None:
    """Have botocore load the files that clients need."""
    for service in ("application-autoscaling", "cloudwatch", "cognito-idp"):
        for kind in ("service-2", "endpoint-rule-set-1"):
            create_loader().load_service_model(service, kind)
    settings = TableSettings(environment="test", dynamodb_endpoint_url="http://127.0.0.1:1", dynamodb_table="none")
    async with open_client(settings):
        pass


def _fill_caches() -> None:
    """Have libraries keep what commands need: the pattern of reserved names, and rich's table of wide letters."""
    NameRules()
    show_table(StringIO(), [""], [["🍎"]])


def run_program(request: dict[str, object], streams: list[int]) -> None:
    """Run the program, with these standard streams."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]  # of strings, as JSON has them
    time.tzset()
    sys.argv[1:] = request["arguments"]  # type: ignore[call-overload]  # as above
    for name, value in request["constants"].items():  # type: ignore[attr-defined]  # as above
        replace(name, value)
    try:
        PROGRAMS[str(request["program"])]()
    except SystemExit as end:
        if isinstance(end.code, str):
            raise  # the interpreter prints it
        _exit(end.code or 0)
    _exit(0)


def _exit(code: int) -> None:
    """End as the interpreter does: after threads and exit handlers, with all that was printed written."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  # it has no other name
    atexit._run_exitfuncs()  # noqa: SLF001  # as above
    for stream in (sys.stdout, sys.stderr):
        if stream and not stream.closed:
            stream.flush()
    os._exit(code)


def replace(name: str, value: float) -> None:
    """Replace a constant of a module, a field of one, or a parameter's default, as `app.module.function(parameter)`."""
    path, _, parameter = name.removesuffix(")").partition("(")
    module, _, constant = path.rpartition(".")
    owner = sys.modules.get(module) or getattr(sys.modules[module.rpartition(".")[0]], module.rpartition(".")[2])
    if parameter:
        defaults = inspect.unwrap(getattr(owner, constant)).__kwdefaults__
        assert parameter in defaults, name
        defaults[parameter] = value
    else:
        assert hasattr(owner, constant), name
        write = object.__setattr__ if is_dataclass(owner) else setattr  # which a frozen one refuses
        write(owner, constant, value)


if __name__ == "__main__":
    main(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
