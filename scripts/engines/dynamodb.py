"""Local engines with DynamoDB's API."""

import os
from pathlib import Path

from scripts import bootstrap
from scripts.engines.process import Engine


class DynamoDB(Engine):
    """A server with DynamoDB's API."""

    name = "DynamoDB"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        """Return the folder of its data, after creating it."""
        folder = self.data / "dynamodb"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


class Dynoxide(DynamoDB):
    """DynamoDB's API over SQLite: one file, which survives a kill -9, or in memory if not durable."""

    def start(self) -> None:
        place = ["--db-path", str(self.folder / "dynoxide.db")] if self.durable else []
        self.child.start(bootstrap.DYNOXIDE, "--host", "127.0.0.1", "--port", str(self.port), *place)


class Ministack(DynamoDB):
    """The engine for platforms without a dynoxide binary: saves its data only when it is stopped."""

    notice = (
        "This stand-in keeps messages in memory and saves them when it is stopped: a crash loses those since the start."
    )

    def start(self) -> None:
        settings = {
            "SERVICES": "dynamodb",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "PERSIST_STATE": str(int(self.durable)),
            "STATE_DIR": str(self.folder),
            "TMPDIR": str(self.folder),
            "LOG_LEVEL": "WARNING",
            "DOCKER_HOST": "unix:///nonexistent",
        }
        python = bootstrap.MINISTACK / "bin" / "python"
        self.child.start(python, "-m", "ministack", env=os.environ | settings)


def local_dynamodb(data: Path, *, durable: bool = True) -> DynamoDB:
    """Return the engine that the setup installs on this machine."""
    engines: dict[str, type[DynamoDB]] = {"dynoxide": Dynoxide, "ministack": Ministack}
    return engines[bootstrap.local_dynamodb()](data, durable=durable)
