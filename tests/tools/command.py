"""The command line in a process of its own, with nothing of this process's environment but the path."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

from scripts.bootstrap import ROOT
from tests.tools.forks import fork

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


async def cruddur(
    *arguments: str, env: Mapping[str, str], typed: str = "", constants: Mapping[str, float] | None = None
) -> Ended:
    """Run `cruddur ARGUMENTS` in this environment; `typed` is the standard input.

    A fork gets these constants of its modules in place of its own (`fork_server.replace`), which only spares waits.
    """
    whole = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **env}
    whole |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    if any(name.startswith(("COVERAGE_", "PYTHON")) for name in whole):  # variables that count at the start
        return await asyncio.to_thread(_run_anew, arguments, whole, typed)
    return await _run_forked(arguments, whole, typed, constants or {})


def _run_anew(arguments: tuple[str, ...], env: Mapping[str, str], typed: str) -> Ended:
    """Run the command in a new interpreter."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, input=typed, capture_output=True, text=True, timeout=2 * SECONDS, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


async def _run_forked(
    arguments: tuple[str, ...], env: Mapping[str, str], typed: str, constants: Mapping[str, float]
) -> Ended:
    """Run the command in a fork; one that takes longer than SECONDS is killed, and TimeoutError raised."""
    with TemporaryFile() as stdin, TemporaryFile() as out, TemporaryFile() as err:
        stdin.write(typed.encode())
        stdin.seek(0)
        streams = {"stdin": stdin.fileno(), "stdout": out.fileno(), "stderr": err.fileno()}
        process = await fork("cruddur", *arguments, env=env, constants=constants, **streams)
        try:
            async with asyncio.timeout(SECONDS):
                code = await process.wait()
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read().decode(), err.read().decode())
