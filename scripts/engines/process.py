"""Child processes: logged to a file, ended with this process, and waited for with a deadline."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PARENT_DEATH = Path(__file__).with_name("parent_death.py")
TAIL_LINES = 12
LOG_BYTES = 10_000_000
PORTS = range(10_000, 32_000)
PORT_TRIES = 20


class EngineError(Exception):
    """An engine failed to start or to end: one line for the operator, then the end of its log."""


class Child:
    """A program that ends with the thread that starts it, which should be the main thread."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
        drop: str = "keep",
        folder: Path = Path("/"),
    ) -> None:
        """Start the command in a session of its own, so that a terminal's ctrl-C reaches this process only."""
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        wrapper = (sys.executable, "-I", "-S", PARENT_DEATH, str(os.getpid()), str(int(death_signal)), drop, folder)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*wrapper, *command],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._started().pid

    def exit_code(self) -> int | None:
        """Return the exit code, the negated signal that ended it, or None while it runs."""
        return self._started().poll()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until it is ready, or raise EngineError if it ends before that or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code() is not None:
                raise self.failure(f"{self.name} ended while starting ({self.exit_code()})")
            if time.monotonic() > deadline:
                raise self.failure(f"{self.name} was not ready after {seconds:.0f} s")
            time.sleep(0.01)

    def wait(self, *, seconds: float) -> None:
        """Wait for a command that ends by itself, or raise EngineError if it fails or takes too long."""
        try:
            code = self._started().wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGKILL, seconds=1)
            raise self.failure(f"{self.name} took longer than {seconds:.0f} s") from None
        if code != 0:
            raise self.failure(f"{self.name} failed ({code})")

    def stop(self, how: signal.Signals = signal.SIGTERM, *, seconds: float) -> None:
        """Ask it to end, and kill it if it still runs after these seconds. Repeatable."""
        self.ask_to_stop(how)
        self.wait_or_kill(seconds=seconds)

    def ask_to_stop(self, how: signal.Signals) -> None:
        """Send the signal, and return at once."""
        if self._process is not None:
            self._process.send_signal(how)

    def wait_or_kill(self, *, seconds: float) -> None:
        """Wait these seconds for its end, then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def failure(self, sentence: str) -> EngineError:
        """Return the error with this sentence and the end of the program's log."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:] if self.log.exists() else []
        return EngineError("\n".join([f"{sentence}; its log is {self.log}", *(f"  | {line}" for line in lines)]))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process


class Engine(ABC):
    """A database server on a free loopback port, with its data under a folder."""

    name: str
    notice: str = ""
    """Printed after the start: what a user has to know of this engine."""
    stop_signal = signal.SIGTERM

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data
        self.durable = durable
        self.port = free_port()
        self.child = Child(self.name, data / "logs" / f"{self.name.lower()}.log")

    @property
    @abstractmethod
    def address(self) -> str:
        """Return the URL for clients."""

    @abstractmethod
    def start(self) -> None:
        """Start it, and return at once, so that several can start at the same time."""

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until_ready(self) -> None:
        self.child.wait_until(self.is_ready, seconds=20)

    def stop(self) -> None:
        """Stop it, whether it was started or not."""
        stop_all([self])


def stop_all(engines: Sequence[Engine], *, seconds: float = 2) -> None:
    """Stop all engines at the same time, whether they were started or not."""
    deadline = time.monotonic() + seconds
    for engine in engines:
        engine.child.ask_to_stop(engine.stop_signal)
    for engine in engines:
        engine.child.wait_or_kill(seconds=max(0.0, deadline - time.monotonic()))


def free_port() -> int:
    """Return a loopback port that no process listens on now.

    It lies below the ports that systems give to outgoing connections (32768 up on Linux, 49152 up on macOS), so that no
    connection takes it before its server does. Two callers get the same one by chance only, whatever seeded `random`.

    Raises:
        EngineError: PORT_TRIES ports in a row were taken.
    """
    for port in secrets.SystemRandom().sample(PORTS, PORT_TRIES):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise EngineError(f"No free port was found between {PORTS[0]} and {PORTS[-1]}")
