"""Moves a Postgres database between versions of the schema. Call from a thread without a running event loop."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def migrate(database_url: str, revision: str = "head") -> None:
    """Brings the database up to a revision; does nothing if it is there already."""
    command.upgrade(_config(database_url), revision)


def rollback(database_url: str, revision: str = "-1") -> None:
    """Takes the database back: one step, or to a revision; `base` is the empty schema."""
    command.downgrade(_config(database_url), revision)


def _config(database_url: str) -> Config:
    config = Config(attributes={"database_url": database_url})
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
