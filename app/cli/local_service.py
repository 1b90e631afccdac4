"""What a running scripts/up tells other programs on this machine: its settings, in a file that only its owner reads."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

SETTINGS = (
    "ENVIRONMENT", "PORT", "DATA_DIR", "DATABASE_URL", "DYNAMODB_ENDPOINT_URL", "DYNAMODB_TABLE", "AWS_REGION",
    "COGNITO_ISSUER_URL", "COGNITO_CLIENT_IDS",
)  # fmt: skip
FILE = "running.json"
LOCK = "up.lock"


@contextmanager
def announced(data: Path) -> Iterator[None]:
    """Tells the settings as they are in the environment now, for as long as the block runs."""
    file = data / FILE
    with suppress(FileNotFoundError):
        file.unlink()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump({name: os.environ[name] for name in SETTINGS if os.environ.get(name)}, opened)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running_settings(data: Path) -> Mapping[str, str]:
    """The settings of whatever runs on this folder; nothing when nothing does, even after a kill -9."""
    try:
        with (data / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(data / FILE)
    except OSError:
        pass
    return {}


def _read(file: Path) -> Mapping[str, str]:
    try:
        told: dict[str, str] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return told
