"""The command users export: what a user gets from GET /api/users/me/export."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from app.cache import Caches
from app.cli.console import Console
from app.cli.conversations.export_file import open_part
from app.cli.failures import Code, Failure, output_errors_explained
from app.cli.lookup import find_user
from app.cli.moderation.reads import As, Operator, Why, members_ever, people_of
from app.cli.options import examples
from app.cli.people.rules import Rules
from app.cli.services import open_services, require_own_table
from app.concurrency import TaskSet
from app.messaging.catchup import Catchup
from app.messaging.settings.service import UserSettingsService
from app.messaging.views import Views
from app.personal_data.export import Export
from app.personal_data.export_schemas import EndLine, ProblemLine
from app.settings import StoreSettings, read_settings

EPILOG: Final = examples("users export juniper > juniper.jsonl", "users export juniper --output juniper.jsonl")
DRAIN_SECONDS: Final = 60.0


class _Settings(StoreSettings):
    """Postgres and the table, and whether users can read earlier texts."""

    shows_edits: bool = True


async def export_own_data(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="The user.")],
    output: Annotated[Path | None, typer.Option(help="A file in place of standard output.")] = None,
    name: As = None,
    reason: Why = None,
) -> None:
    """Write a user's own data as JSON lines.

    They are what the user gets from the service: profile, groups, messages, edits.

    What is hidden from the user is not in it. The last line counts the others. `cruddur import` does not read it:
    `cruddur export --user` writes what moves conversations. A file is written under its name with .part until it is
    whole.
    """
    settings, console = read_settings(_Settings), Console()
    operator = Operator.of(settings, name=name, reason=reason)
    async with open_services(settings) as services:
        await require_own_table(services.table)
        user = await find_user(services.users, handle)
        rows, tasks = await services.messaging.inbox_rows(user.uuid), TaskSet()
        await operator.record(services.reads, await people_of(services.messaging, user.uuid, rows, members_ever))
        rules = Rules.of(services, tasks, shows_edits=settings.shows_edits)
        user_settings = UserSettingsService(services.messaging.settings, Caches(tasks))
        views = Views(services.users, Catchup(services.messaging), services.messaging.retention)
        export = Export(services.users, rules.messaging, rules.changes, user_settings, views, rules.groups)
        with _opened(output) as file:
            async for line in export.lines(user, _go_on):
                file.write(line.model_dump_json() + "\n")
                if isinstance(line, ProblemLine):
                    raise Failure(f"The export is not whole: {line.detail}.", Code.UNAVAILABLE)
        await tasks.drain(DRAIN_SECONDS)
    if isinstance(line, EndLine):
        console.note(f"Groups: {line.groups:,}, messages: {line.messages:,}, edited ones: {line.edits:,}.")


async def _go_on() -> None:
    """Wait for nothing: an operator has no budget."""


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output_errors_explained(output), open_part(output) as (file, _):
        file.truncate()
        yield file
