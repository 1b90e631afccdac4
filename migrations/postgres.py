"""Migrations of the Postgres schema. Call them from a thread without a running event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Unavailable
from app.gateways.postgres.faults import FAULTS, unavailable
from app.settings import DatabaseSettings


class MigrationFailed(Exception):
    """A migration failed, and the database is unchanged: all of a migration is applied, or nothing."""


def migrate(database: DatabaseSettings, revision: str = "head") -> None:
    """Migrate up to a revision, or raise MigrationFailed; do nothing if the database has it."""
    with _failures_translated():
        command.upgrade(_config(database), revision)


def rollback(database: DatabaseSettings, revision: str = "-1") -> None:
    """Migrate down one version or to a revision, or raise MigrationFailed; `base` is the empty schema."""
    with _failures_translated():
        command.downgrade(_config(database), revision)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the schema."""

    revision: str
    title: str
    is_applied: bool


def versions(database: DatabaseSettings) -> list[Version]:
    """Return all versions, oldest first, and whether this database has them, or raise MigrationFailed."""
    config = _config(database)
    script = ScriptDirectory.from_config(config)
    current: set[str] = set()

    def note(applied: Any, _: object) -> list[Any]:
        current.update(step.revision for step in script.iterate_revisions(applied, "base"))
        return []

    with _failures_translated(), EnvironmentContext(config, script, fn=note, dont_mutate=True):
        script.run_env()
    steps = reversed(list(script.walk_revisions()))
    return [Version(step.revision, step.doc.removesuffix("."), step.revision in current) for step in steps]


def _config(database: DatabaseSettings) -> Config:
    config = Config(attributes={"database": database})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


@contextmanager
def _failures_translated() -> Iterator[None]:
    try:
        yield
    except (*FAULTS, Unavailable, SQLAlchemyError) as error:
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0] or unavailable(error).explained
        raise MigrationFailed(f"Postgres could not be migrated: {cause}") from error
