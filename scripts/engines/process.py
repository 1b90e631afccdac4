"""Programs that run beside us: logged to a file, ended with us, waited for with a deadline."""

import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
TAIL_LINES = 12
LOG_BYTES = 10_000_000


class EngineError(Exception):
    """An engine did not start or end as it should: one line for a person, then the end of its log."""


class Child:
    """One program on a leash. The kernel ties it to the thread that starts it, so that should be the main one."""

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
        """Starts the command in a session of its own, so that a terminal's ctrl-C reaches only us."""
        self._make_room_for_the_log()
        leash: list[str | Path] = [sys.executable, "-I", "-S", LEASH, str(os.getpid()), str(int(death_signal))]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*leash, drop, folder, *command],
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
        """None while it runs; negative is the signal that ended it."""
        return self._started().poll()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Returns when it is ready; raises EngineError when it ends before that, or does not get ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code() is not None:
                raise self.failure(f"{self.name} ended while starting ({self.exit_code()})")
            if time.monotonic() > deadline:
                raise self.failure(f"{self.name} was not ready after {seconds:.0f} s")
            time.sleep(0.01)

    def wait(self, *, seconds: float) -> None:
        """For commands that end by themselves; anything but success within the time raises EngineError."""
        try:
            code = self._started().wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGKILL, seconds=1)
            raise self.failure(f"{self.name} took longer than {seconds:.0f} s") from None
        if code != 0:
            raise self.failure(f"{self.name} failed ({code})")

    def stop(self, how: signal.Signals = signal.SIGTERM, *, seconds: float) -> None:
        """Asks it to end, and ends it by force when the seconds have passed. Repeatable."""
        self.ask_to_stop(how)
        self.see_off(seconds=seconds)

    def ask_to_stop(self, how: signal.Signals) -> None:
        """Returns at once."""
        if self._process is not None:
            self._process.send_signal(how)

    def see_off(self, *, seconds: float) -> None:
        """Waits for its end, which comes after the seconds at the latest."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def failure(self, sentence: str) -> EngineError:
        """The sentence, with the end of the program's log below it."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:] if self.log.exists() else []
        return EngineError("\n".join([f"{sentence}; its log is {self.log}", *(f"  | {line}" for line in lines)]))

    def _make_room_for_the_log(self) -> None:
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process


class Engine(ABC):
    """A database server of our own on a free loopback port, with its data under a folder."""

    name: str
    stop_signal = signal.SIGTERM

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data
        self.durable = durable
        self.port = free_port()
        self.child = Child(self.name, data / "logs" / f"{self.name.lower()}.log")

    @property
    @abstractmethod
    def address(self) -> str:
        """The URL that clients are given."""

    @abstractmethod
    def start(self) -> None:
        """Launches it and returns at once, so that several can start at the same time."""

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until_ready(self) -> None:
        self.child.wait_until(self.is_ready, seconds=20)

    def stop(self) -> None:
        """Ends it, whether it started or not."""
        stop_all([self])


def stop_all(engines: Sequence[Engine], *, seconds: float = 2) -> None:
    """Ends them all at the same time, whether they started or not."""
    deadline = time.monotonic() + seconds
    for engine in engines:
        engine.child.ask_to_stop(engine.stop_signal)
    for engine in engines:
        engine.child.see_off(seconds=max(0.0, deadline - time.monotonic()))


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
