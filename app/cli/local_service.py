"""The settings of the service that scripts/up runs here, in a file for its owner: written by it, read by commands."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.settings import TableSettings

SETTINGS: Final = (
    "ENVIRONMENT",
    "PORT",
    "DATA_DIR",
    "DATABASE_URL",
    "DYNAMODB_ENDPOINT_URL",
    "DYNAMODB_TABLE",
    "AWS_REGION",
    "COGNITO_ISSUER_URL",
    "COGNITO_CLIENT_IDS",
)
FILE: Final = "running.json"
LOCK: Final = "up.lock"
CHECKOUT: Final = Path(__file__).resolve().parents[2]
DECISIVE: Final = ("DATABASE_URL", "DYNAMODB_ENDPOINT_URL")
"""Variables that say what to work on, as does an ENVIRONMENT other than local."""


@contextmanager
def publish_settings(data: Path) -> Iterator[None]:
    """Write the settings in the environment to the data folder, and delete them when the block ends."""
    file = data / FILE
    with suppress(FileNotFoundError):
        file.unlink()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump({name: os.environ[name] for name in SETTINGS if os.environ.get(name)}, opened)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def published_settings(data: Path) -> Mapping[str, str]:
    """Return the settings of the service that runs on this folder; none if none runs, even after a kill -9."""
    with suppress(OSError, ValueError), (data / LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:  # held, so the service runs
            settings: dict[str, str] = json.loads((data / FILE).read_text())
            return settings
    return {}


def use_local_service() -> None:
    """Take the settings of the service that scripts/up runs, unless the environment says what to work on."""
    is_decided = any(os.environ.get(name) for name in DECISIVE) or os.environ.get("ENVIRONMENT", "local") != "local"
    if not is_decided:
        for name, value in published_settings(_data_dir()).items():
            os.environ.setdefault(name, value)


def local_service_url(settings: "TableSettings") -> str | None:
    """Return the address of the service that scripts/up runs, if it uses this table."""
    running = published_settings(_data_dir())
    place = running.get("DYNAMODB_ENDPOINT_URL"), running.get("DYNAMODB_TABLE") or settings.dynamodb_table
    is_same = place == (settings.dynamodb_endpoint_url, settings.dynamodb_table)
    return f"http://127.0.0.1:{running['PORT']}" if running and is_same else None


def _data_dir() -> Path:
    return Path(os.environ.get("DATA_DIR") or CHECKOUT / ".data")
