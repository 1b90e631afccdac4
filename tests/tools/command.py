"""The command line in a process of its own, with nothing of this process's environment but the path."""

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from tempfile import TemporaryFile
from typing import Any

from scripts.bootstrap import ROOT

SECONDS = 50


@dataclass(frozen=True)
class Ended:
    """The exit code of a command and its output."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[Any]:
        """Return the objects that --json printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """The last line on standard error, of which there is one for a failure."""
        return self.err.splitlines()[-1]


async def cruddur(*arguments: str, env: Mapping[str, str], typed: str = "") -> Ended:
    """Run `cruddur ARGUMENTS` in this environment; `typed` is the standard input."""
    whole = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **env}
    whole |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    needs_start = any(name.startswith(("COVERAGE_", "PYTHON")) for name in whole)
    return await asyncio.to_thread(_run_anew if needs_start else _run_forked, arguments, whole, typed)


def _run_anew(arguments: tuple[str, ...], env: Mapping[str, str], typed: str) -> Ended:
    """Run the command in a new interpreter, which reads the variables that count at its start."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, input=typed, capture_output=True, text=True, timeout=2 * SECONDS, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def _run_forked(arguments: tuple[str, ...], env: Mapping[str, str], typed: str) -> Ended:
    """Run the command in a process forked from one that has loaded the command line already."""
    with TemporaryFile() as stdin, TemporaryFile() as out, TemporaryFile() as err:
        stdin.write(typed.encode())
        stdin.seek(0)
        report, written = os.pipe()
        try:
            request = {"arguments": arguments, "env": env, "cwd": str(ROOT)}
            streams = [stdin.fileno(), out.fileno(), err.fileno(), written]
            socket.send_fds(_command_server(), [json.dumps(request).encode()], streams)
        finally:
            os.close(written)
        with os.fdopen(report, "rb", buffering=0) as reported:
            code = _exit_code(reported.fileno())
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read().decode(), err.read().decode())


def _exit_code(report: int) -> int:
    """Wait for the end of the command; one that takes longer than SECONDS is killed, and TimeoutError raised."""
    reported, ends = b"", time.monotonic() + SECONDS
    while reported.count(b"\n") < 2:
        if not select.select([report], [], [], max(0.0, ends - time.monotonic()))[0]:
            os.kill(int(reported.split()[0]), signal.SIGKILL)
            raise TimeoutError
        chunk = os.read(report, 64)
        if not chunk:
            raise EOFError("the command server has ended")
        reported += chunk
    return int(reported.split()[1])


@cache
def _command_server() -> socket.socket:
    """Start the process that forks commands, once; it ends with this process or when the socket is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    command = [sys.executable, "-m", "tests.tools.command_server", str(theirs.fileno())]
    server = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[theirs.fileno()])
    theirs.close()

    def stop() -> None:
        ours.close()
        server.wait(5)

    atexit.register(stop)
    return ours
