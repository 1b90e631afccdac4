"""Start the service and its engines on this machine, and stop all of them on ctrl-C, SIGTERM or SIGHUP.

Data is kept between starts. Environment variables:

  PORT                   the port of the service, default 8000; 0 takes any free port
  DATA_DIR               the folder of data, keys and logs, default .data in the checkout
  DATABASE_URL           use this Postgres instead of starting an engine
  DYNAMODB_ENDPOINT_URL  use this DynamoDB instead of starting an engine
  LOCAL_DYNAMODB         dynoxide (default where it exists) or ministack
  VALKEY_URL             use this Valkey or Redis for events and cache; without it the service, a single process,
                         keeps both in memory
"""

import argparse
import asyncio
import fcntl
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Never

import httpx
from pydantic import SecretStr, ValidationError

from app.cli.local_service import LOCK, publish_settings
from app.cli.seed.stock import seed_if_empty
from app.errors import AppError
from app.settings import Settings
from migrations.dynamodb_table import create_table
from migrations.postgres import MigrationFailed, migrate
from scripts.bootstrap import ROOT
from scripts.engines.dynamodb import local_dynamodb
from scripts.engines.postgres import Postgres
from scripts.engines.process import Child, Engine, EngineError, free_port, stop_all

HOST = "127.0.0.1"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 17.5  # with the engines' 2 s, a stop takes at most 20 s


class CannotStart(Exception):
    """The start is not possible; the sentence says why, and the remedy."""


class Stop(BaseException):
    """A signal asks this process to stop."""


def main() -> None:
    """Start, watch and stop everything; exit with 0 only if a signal asked for the stop."""
    parser = argparse.ArgumentParser(
        prog="scripts/up", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    for number in STOP_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # under nohup it stays ignored
            signal.signal(number, _raise_stop)
    try:
        _run()
    except Stop:
        pass
    except ValidationError as error:
        sys.exit("\n".join(f"{str(at['loc'][0]).upper()}: {at['msg']}" for at in error.errors(include_input=False)))
    except (CannotStart, EngineError, AppError, MigrationFailed, OSError, httpx.HTTPError) as error:
        sys.exit(f"\n{error}")


def _run() -> None:
    data = Path(os.environ.get("DATA_DIR") or ROOT / ".data").absolute()
    port = _wanted_port()
    address = f"http://{HOST}:{port}"
    with _locked(data, address):
        _require_free_port(port)
        with ExitStack() as running:
            _configure(data, port)
            children = _start_engines(data, running)
            settings = Settings()
            running.enter_context(publish_settings(data))
            _prepare(settings)
            service = _start_service(data, address, running)
            _welcome(address, data)
            _watch([*children, service])


def _wanted_port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or int(text) > 65_535:
        raise CannotStart(f"PORT must be a number up to 65535, not {text!r}.")
    return int(text) or free_port()


@contextmanager
def _locked(data: Path, address: str) -> Iterator[None]:
    """Hold the lock of the data folder, or raise CannotStart with the text that its holder has written there."""
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (data / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            raise CannotStart(f"{data} is in use by {holder}. Stop that process, or set DATA_DIR and PORT.") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, which serves {address}\n")
        lock.flush()
        yield


def _require_free_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(f"Port {port} cannot be opened: {error.strerror}. Set PORT to another one.") from None


def _start_engines(data: Path, running: ExitStack) -> list[Child]:
    """Start the engines that have no address in the environment, at the same time, and put their addresses there."""
    wanted: dict[str, Engine] = {"DYNAMODB_ENDPOINT_URL": local_dynamodb(data), "DATABASE_URL": Postgres(data)}
    for variable in [name for name in wanted if os.environ.get(name)]:
        scheme, _, rest = os.environ[variable].partition("://")
        place = rest.rpartition("@")[2].partition("?")[0]  # without a password
        print(f"Using the {wanted.pop(variable).name} at {scheme}://{place}")
    engines = list(wanted.values())
    running.callback(stop_all, engines)
    for engine in engines:
        engine.start()
    for variable, engine in wanted.items():
        with _step(f"Starting {engine.name}"):
            engine.wait_until_ready()
        os.environ[variable] = engine.address
        if engine.notice:
            print(f"  {engine.notice}")
    return [engine.child for engine in engines]


def _configure(data: Path, port: int) -> None:
    """Put all settings but addresses of engines into the environment. Raises ValidationError for a wrong one."""
    os.environ.pop("COGNITO_JWKS_URL", None)
    os.environ |= {
        "ENVIRONMENT": "local",
        "PORT": str(port),
        "DATA_DIR": str(data),
        "COGNITO_ISSUER_URL": f"http://{HOST}:{port}/local",
        "COGNITO_CLIENT_IDS": "local",
    }
    Settings(database_url=SecretStr(os.environ.get("DATABASE_URL") or "postgresql://not-started-yet@localhost/none"))


def _prepare(settings: Settings) -> None:
    with _step("Bringing table and schema up to date"):
        asyncio.run(create_table(settings))
        migrate(settings)
    with _step("Looking for users and conversations"):
        report = asyncio.run(seed_if_empty(settings))
    if report:
        print(f"  there were none, so these were written: {report}")


def _start_service(data: Path, address: str, running: ExitStack) -> Child:
    service = Child("The service", data / "logs" / "service.log")
    running.callback(_stop_service, service)
    with _step("Starting the service"), _client(address) as client:
        service.start(sys.executable, "-m", "app")
        service.wait_until(lambda: _is_ready(client), seconds=30)
    return service


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _welcome(address: str, data: Path) -> None:
    print(f"""
The messaging service runs.

  the page   {address}  (sign in as any user; open it in two browsers to talk)
  API docs   {address}/docs
  data       {data}  (kept; delete the folder to start empty)
  logs       {data / "logs"}
""")
    with _client(address) as client:
        for person in client.get("/local/users").json()[:1]:
            print(f"Read the inbox of @{person['handle']}:\n\n  {_curl(client, person)}\n")
    print("ctrl-C stops everything.", flush=True)


def _curl(client: httpx.Client, person: Mapping[str, str]) -> str:
    """Return a command line for a shell, with a token of the local issuer for this person."""
    token = client.post("/local/token", json={"handle": person["handle"]}).json()["access_token"]
    url = str(client.base_url.join("/api/message_groups"))
    return shlex.join(["curl", "-s", url, "-H", f"Authorization: Bearer {token}"])


def _watch(children: list[Child]) -> Never:
    """Wait until a signal raises Stop, or raise EngineError when a child ends by itself."""
    while True:
        for child in children:
            if (code := child.exit_code()) is not None:
                raise child.failure(f"{child.name} ended unexpectedly ({code}), so everything stops")
        time.sleep(0.2)


def _stop_service(service: Child) -> None:
    with suppress(OSError):  # the terminal may be what went away
        print("\nStopping: running requests are finished first …", flush=True)
    service.stop(seconds=STOP_SECONDS)


def _raise_stop(_number: int, _frame: object) -> Never:
    """Raise Stop at the first signal, and ignore later ones: the stop takes a bounded time."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stop


@contextmanager
def _step(title: str) -> Iterator[None]:
    """Print the title of the block and, after it, the time that it took."""
    print(f"{title} … ", end="", flush=True)
    started = time.monotonic()
    yield
    print(f"{time.monotonic() - started:.1f} s", flush=True)


def _client(address: str) -> httpx.Client:
    """Return a client for the loopback address, without the proxy of the environment."""
    return httpx.Client(base_url=address, trust_env=False, timeout=5)


if __name__ == "__main__":
    main()
