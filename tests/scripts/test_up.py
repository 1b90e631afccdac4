"""scripts/up: starts everything, says what to do next, keeps the data, and leaves nothing running."""

import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import pytest

from tests.scripts.processes import command_of, descendants, wait_for_end
from tests.tools.forks import SupervisedFork

OURS = {"ENVIRONMENT", "DATABASE_URL", "DYNAMODB_ENDPOINT_URL", "COGNITO_JWKS_URL"}
ENDED = "ended unexpectedly"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")


class Up:
    """One run of the supervisor, and what it has printed.

    It is forked from a process that has loaded it, which saves 3 s of CPU, unless coverage is measured or a test wants
    the command.
    """

    def __init__(self, data: Path, *, is_forked: bool = True, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in OURS}
        env = inherited | {"PORT": "0", "DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"} | environment
        self.output = ""
        self.process: SupervisedFork | subprocess.Popen[str]
        if is_forked and not any(name.startswith("COVERAGE_") for name in env):
            self.process = SupervisedFork("up", env=env)
        else:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scripts.up"], env=env, stdout=PIPE, stderr=STDOUT, text=True
            )

    def wait_until_it_serves(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if "ctrl-C stops everything" in line:
                return
        raise AssertionError(self.output)

    def end(self, how: signal.Signals) -> int:
        """Its exit code; fails if anything that it started outlives it."""
        family = descendants(self.process.pid)
        self.process.send_signal(how)
        code = self.exit_code()
        wait_for_end(*family)
        return code

    def exit_code(self) -> int:
        assert self.process.stdout
        code = self.process.wait(timeout=60)
        self.output += self.process.stdout.read()
        return code

    def close(self) -> None:
        """Kill it if it still runs."""
        if isinstance(self.process, SupervisedFork):
            self.process.end()
        else:
            self.process.kill()
            self.process.communicate()

    def pid_of(self, program: str) -> int:
        return next(pid for pid in descendants(self.process.pid) if program in command_of(pid))

    def curl(self) -> httpx.Response:
        """The answer to the line that it printed for pasting."""
        [line] = [line for line in self.output.splitlines() if line.startswith("  curl ")]
        _, _, url, _, header = shlex.split(line)
        name, _, value = header.partition(": ")
        return httpx.get(url, headers={name: value}, trust_env=False, timeout=60)


Start = Callable[..., Up]


@contextmanager
def new_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="cruddur-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@contextmanager
def starting(data: Path) -> Iterator[Start]:
    """Start supervisors on a folder, and end those that the test left."""
    runs: list[Up] = []

    def start(*, is_forked: bool = True, **environment: str) -> Up:
        runs.append(Up(data, is_forked=is_forked, **environment))
        return runs[-1]

    try:
        yield start
    finally:
        for run in runs:
            run.close()


@pytest.fixture
def data() -> Iterator[Path]:
    with new_folder() as folder:
        yield folder


@pytest.fixture
def start(data: Path) -> Iterator[Start]:
    with starting(data) as start:
        yield start


@pytest.fixture(scope="module")
def kept_data() -> Iterator[Path]:
    """A folder that tests share which do not look at how it began: to make a database takes seconds."""
    with new_folder() as folder:
        yield folder


@pytest.fixture
def start_again(kept_data: Path) -> Iterator[Start]:
    with starting(kept_data) as start:
        yield start


def kept_in(data: Path) -> set[str]:
    return {path.name for path in data.iterdir()}


def test_an_inbox_survives_kills_and_stops(start: Start, data: Path) -> None:
    up = start(is_forked=False)
    up.wait_until_it_serves()
    inbox = up.curl()
    assert inbox.status_code == httpx.codes.OK
    assert inbox.json()

    second = start()
    assert second.exit_code() == 1
    assert f"is in use by process {up.process.pid}, which serves {inbox.url.scheme}" in second.output

    assert up.end(signal.SIGKILL) == -signal.SIGKILL
    up = start()
    up.wait_until_it_serves()
    assert up.curl().json() == inbox.json()
    assert "so these were written" not in up.output

    assert up.end(signal.SIGTERM) == 0
    assert "Traceback" not in up.output
    assert kept_in(data / "logs") >= {"service.log", "postgres.log", "dynamodb.log"}
    assert not [path for path in data.iterdir() if path.is_dir() and stat.S_IMODE(path.stat().st_mode) != 0o700]


@pytest.mark.parametrize(("program", "name"), [("-m\0app", "The service"), ("postgres", "Postgres")])
def test_the_end_of_a_child_stops_everything_and_is_reported(start_again: Start, program: str, name: str) -> None:
    up = start_again()
    up.wait_until_it_serves()
    family = descendants(up.process.pid)
    os.kill(up.pid_of(program), signal.SIGKILL)
    assert up.exit_code() == 1
    assert f"{name} {ENDED} (-9)" in up.output
    wait_for_end(*family)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_it_can_be_stopped_while_it_starts(start_again: Start, how: signal.Signals) -> None:
    up = start_again()
    assert up.process.stdout
    while "Starting Postgres" not in up.output:
        up.output += up.process.stdout.read(1)
    assert up.end(how) == 0
    assert "Traceback" not in up.output


def test_given_databases_are_used_in_place_of_engines(
    start: Start, data: Path, empty_database_url: str, dynamodb_url: str
) -> None:
    up = start(DATABASE_URL=empty_database_url, DYNAMODB_ENDPOINT_URL=dynamodb_url, DYNAMODB_TABLE=f"test-{uuid4()}")
    up.wait_until_it_serves()
    assert up.curl().json()
    assert up.end(signal.SIGTERM) == 0
    assert kept_in(data).isdisjoint({"postgres", "dynamodb"})
    assert re.search(r"Using the Postgres at postgresql://127\.0\.0\.1:\d+/test_", up.output)


def test_a_taken_port_is_reported_before_anything_starts(start: Start, data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        up = start(PORT=str(taken.getsockname()[1]))
        assert up.exit_code() == 1
    assert re.fullmatch(r"\nPort \d+ cannot be opened: Address already in use\. Set PORT to another one\.\n", up.output)
    assert kept_in(data) == {"up.lock"}


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PORT": "http"}, "PORT must be a number up to 65535, not 'http'."),
        ({"MESSAGE_MAX_LENGTH": "0"}, "MESSAGE_MAX_LENGTH: Input should be greater than or equal to 1"),
        (
            {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:1"},
            "DynamoDB",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence_before_anything_starts(
    start: Start, data: Path, environment: dict[str, str], sentence: str
) -> None:
    up = start(**environment)
    assert up.exit_code() == 1
    assert sentence in up.output
    assert "Traceback" not in up.output
    assert kept_in(data) <= {"up.lock"}
