"""Processes that are forked from one that has loaded the service and the command line (`tests.tools.fork_server`)."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory
from threading import Thread

from scripts.bootstrap import ROOT

ADDRESS = "CRUDDUR_TESTS_FORKS"
"""The variable with the path of the socket, which the processes of a run inherit."""
FAMILY, KIND = socket.AF_UNIX, socket.SOCK_SEQPACKET


class Fork:
    """A forked process, with what tests use of asyncio's own Process."""

    def __init__(self, pid: int, report: asyncio.StreamReader, stderr: asyncio.StreamReader | None) -> None:
        self.pid = pid
        self.stderr = stderr
        self._exit_code = asyncio.ensure_future(_exit_code(report))

    @property
    def returncode(self) -> int | None:
        """Return the exit code; None while the process runs."""
        return self._exit_code.result() if self._exit_code.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._exit_code)

    async def communicate(self) -> tuple[None, bytes]:
        """Wait for the end; return what the process has written to standard error."""
        written = await self.stderr.read() if self.stderr else b""
        await self.wait()
        return None, written

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that has ended gets none."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


async def fork(
    program: str,
    *arguments: str,
    env: Mapping[str, str],
    constants: Mapping[str, float] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> Fork:
    """Run `app` or `cruddur` with nothing else in its environment, and constants of its modules changed.

    A stream is DEVNULL or a descriptor, which stays open here; stderr may be PIPE.
    """
    errors, complained = os.pipe() if stderr == subprocess.PIPE else (None, stderr)
    try:
        report = _request(program, arguments, env, constants or {}, (stdin, stdout, complained))
    finally:
        if errors is not None:
            os.close(complained)
    reader = await _reader(report)
    return Fork(int(await reader.readline()), reader, None if errors is None else await _reader(errors))


class SupervisedFork:
    """A forked program whose two streams are one pipe, with what tests without an event loop use of Popen."""

    def __init__(self, program: str, *, env: Mapping[str, str]) -> None:
        output, written = os.pipe()
        try:
            report = _request(program, (), env, {}, (subprocess.DEVNULL, written, written))
        finally:
            os.close(written)
        self.stdout = os.fdopen(output, encoding="utf-8")
        self._report = os.fdopen(report, "rb", buffering=0)
        self.pid = int(self._report.readline())
        self._code: int | None = None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that has ended gets none."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raise TimeoutError if the process does not end in these seconds."""
        if self._code is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise TimeoutError
            self._code = int(self._report.read())
        return self._code

    def end(self) -> None:
        """Kill the process, and close what belongs to it."""
        self.send_signal(signal.SIGKILL)
        self.wait()
        self._report.close()
        self.stdout.close()


def _request(
    program: str,
    arguments: tuple[str, ...],
    env: Mapping[str, str],
    constants: Mapping[str, float],
    given: tuple[int, int, int],
) -> int:
    """Have a program forked; return the descriptor from which its process id and, at its end, its exit code come."""
    report, reported = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        streams = [nothing if each == subprocess.DEVNULL else each for each in given]
        request = {"program": program, "arguments": arguments, "env": dict(env), "cwd": str(ROOT)}
        request["constants"] = dict(constants)
        with socket.socket(FAMILY, KIND) as connection:
            connection.connect(os.environ[ADDRESS])
            socket.send_fds(connection, [json.dumps(request).encode()], [*streams, reported])
    finally:
        os.close(nothing)
        os.close(reported)
    return report


async def _exit_code(report: asyncio.StreamReader) -> int:
    """Read the exit code and the end of the pipe, which is closed then."""
    return int(await report.read())


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader


@contextmanager
def serving_forks() -> Iterator[None]:
    """Have one process fork for all processes of a test run: it is started when the first of them asks."""
    with TemporaryDirectory(prefix="cruddur-") as folder, socket.socket(FAMILY, KIND) as listener:
        os.environ[ADDRESS] = f"{folder}/forks"
        listener.bind(os.environ[ADDRESS])
        listener.listen()
        ours, theirs = socket.socketpair()
        starter = Thread(target=_start_when_asked, args=(listener, theirs))
        starter.start()
        try:
            yield
        finally:
            ours.close()
            starter.join()


def _start_when_asked(listener: socket.socket, run: socket.socket) -> None:
    """Start the process that forks when there is a connection, and wait for its end, which is that of the run.

    If it ends before, the tests that ask it fail, and do not wait for ever.
    """
    with run:
        if run in select.select([listener, run], [], [])[0]:
            return
        passed = (listener.fileno(), run.fileno())
        command = [sys.executable, "-m", "tests.tools.fork_server", *map(str, passed)]
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        server = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=passed)
    server.wait()
    listener.close()
