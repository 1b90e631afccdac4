"""Programs whose calls are measured in turns, and the unit among them: one bare aiohttp call."""

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripts.bootstrap import ROOT
from scripts.engines.process import EngineError, free_port
from tests.benchmarks.processes import run_server

CALLS = 500


@dataclass(frozen=True, slots=True)
class Client:
    """A process that makes a client's calls."""

    name: str
    requests: IO[str]
    answers: IO[str]
    log: IO[str]

    def cpu(self, *, at_once: int = 1) -> float:
        """Make calls and return the CPU seconds of each, or raise EngineError if the process has ended."""
        try:
            print(CALLS, at_once, file=self.requests, flush=True)
            return float(self.answers.readline())
        except (BrokenPipeError, ValueError):
            self.log.seek(0)
            raise EngineError(f"The client {self.name} has ended: {self.log.read()[-500:]}") from None


@contextmanager
def run_client(name: str, address: str, *arguments: str, python: Path | str = sys.executable) -> Iterator[Client]:
    """Start a program of tests/benchmarks/clients, warm it up, and stop it at the end.

    It has a session of its own, so that a terminal's ctrl-C reaches this process only, and ends with its input.
    """
    command = (python, "-m", f"tests.benchmarks.clients.{name}", address, *arguments)
    pipe, env = subprocess.PIPE, os.environ | {"PYTHONPATH": str(ROOT)}
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, stderr=log, text=True, start_new_session=True
        ) as process,
    ):
        try:
            assert process.stdin
            assert process.stdout
            client = Client(name, process.stdin, process.stdout, log)
            client.cpu()
            yield client
        finally:
            process.kill()


@asynccontextmanager
async def serve_answer(folder: Path) -> AsyncIterator[str]:
    """Start the server that answers at once, and yield its address."""
    port = free_port()
    program = ("-m", "tests.benchmarks.clients.answer", str(port))
    async with run_server("answer", folder, port, sys.executable, *program) as server:
        yield server.address
