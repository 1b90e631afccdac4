"""Server processes, their CPU and memory, and facts about the machine."""

import asyncio
import os
import platform
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.request import urlopen

from scripts.engines.process import Child

START_SECONDS = 60

CPUCLOCK_SCHED = 2
"""The clock of the CPU time that a process was scheduled for, in the low bits of a clock's id (clock_getcpuclockid)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server's process and address, and the seconds until it answered."""

    address: str
    pid: int
    start_seconds: float


@asynccontextmanager
async def run_server(
    name: str, folder: Path, port: int, *command: str | Path, probe: str = "/", env: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Start a server, wait until it answers a GET of the path `probe`, if empty listens, and stop it at the end."""
    child, address = Child(name, folder / "logs" / f"{name}-{port}.log"), f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    try:
        child.start(*command, env=env)
        await asyncio.to_thread(
            child.wait_until, lambda: answers(address + probe) if probe else listens(port), seconds=START_SECONDS
        )
        yield Server(address, child.pid, time.perf_counter() - started)
    finally:
        child.stop(seconds=5)


def listens(port: int) -> bool:
    """Return whether a process accepts connections at a loopback port."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Return whether a GET is answered with success."""
    try:
        with urlopen(url, timeout=5):  # noqa: S310  # a loopback address
            return True
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all its threads so far, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run, its main thread's only."""
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts about a machine that figures depend on."""

    cpu: str
    cores: int
    python: str
    system: str

    @classmethod
    def this(cls) -> "Machine":
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
        return cls(cpu, os.cpu_count() or 1, platform.python_version(), platform.system())

    def __str__(self) -> str:
        return f"{self.cores} cores of {self.cpu}, Python {self.python}, {self.system}"

    def record(self) -> dict[str, object]:
        return asdict(self)
