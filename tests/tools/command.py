"""The command line in a process of its own, with nothing of this process's environment but the path."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
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


def measured() -> dict[str, str]:
    """Return the variables by which a process of a test takes part in measuring coverage, if it is measured."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


async def cruddur(*arguments: str, env: Mapping[str, str], typed: str = "") -> Ended:
    """Run `cruddur ARGUMENTS` in this environment; `typed` is the standard input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        *arguments,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **measured(), **env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate(typed.encode())
    return Ended(process.returncode or 0, out.decode(), err.decode())
