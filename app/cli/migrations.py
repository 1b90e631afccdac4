"""The commands migrate, rollback and migrations: the versions of the Postgres schema."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.target import announce_database, require_consent
from app.settings import DatabaseSettings, read_settings
from migrations.postgres import MigrationFailed, Version, migrate, rollback, versions

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@contextmanager
def _failures_translated() -> Iterator[None]:
    try:
        yield
    except MigrationFailed as error:
        raise Failure(str(error).partition("\n")[0], Code.UNAVAILABLE) from error  # without the SQL


@app.command("migrate", epilog=examples("migrate"))
@_failures_translated()
def migrate_(json: Json = False) -> None:
    """Bring the schema up to date, with all missing versions in one transaction."""
    database = _database()
    before = versions(database)
    migrate(database)
    _show_change(Console(json), before, versions(database), nothing="The schema is up to date.")


@app.command("rollback", epilog=examples("rollback", "rollback --yes"))
@_failures_translated()
def rollback_(json: Json = False, yes: Yes = False, production: Production = False) -> None:
    """Take the schema one version back.

    Deletes what that version added, with its data.
    """
    database = _database()
    before = versions(database)
    current = [version for version in before if version.is_applied]
    if not current:
        raise Failure("No version is applied, so there is nothing to take back.")
    action = f"take back version {current[-1].revision}, {current[-1].title}"
    require_consent(database, action, word=current[-1].revision, yes=yes, production=production)
    rollback(database)
    _show_change(Console(json), before, versions(database), nothing="Nothing was taken back.")


@app.command("migrations", epilog=examples("migrations", "migrations --json"))
@_failures_translated()
def migrations(json: Json = False) -> None:
    """List the versions of the schema, oldest first, and whether each is applied."""
    console = Console(json)
    found = versions(_database())
    records = ({"revision": each.revision, "title": each.title, "applied": each.is_applied} for each in found)
    rows = [(each.revision, "applied" if each.is_applied else "to do: cruddur migrate", each.title) for each in found]
    console.listing(records, ["version", "state", "title"], rows)


def _database() -> DatabaseSettings:
    settings = read_settings(DatabaseSettings)
    announce_database(settings)
    return settings


def _show_change(console: Console, before: Sequence[Version], after: Sequence[Version], *, nothing: str) -> None:
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    for version in changed:
        console.record({"revision": version.revision, "applied": version.is_applied})
        console.say(f"{version.revision} {version.title}: {'applied' if version.is_applied else 'taken back'}")
    if not changed:
        console.say(nothing)
