"""Moves a Postgres database between versions of the schema. Call from a thread without a running event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError


class MigrationFailed(Exception):
    """The database is as it was before: a move happens whole or not at all."""


def migrate(database_url: str, revision: str = "head") -> None:
    """Brings the database up to a revision; does nothing if it is there already."""
    with _failures_named():
        command.upgrade(_config(database_url), revision)


def rollback(database_url: str, revision: str = "-1") -> None:
    """Takes the database back: one step, or to a revision; `base` is the empty schema."""
    with _failures_named():
        command.downgrade(_config(database_url), revision)


def _config(database_url: str) -> Config:
    config = Config(attributes={"database_url": database_url})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
        raise MigrationFailed(f"Postgres could not be migrated: {error}") from error
