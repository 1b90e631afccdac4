"""The command audit: what operators have read of a user's conversations."""

from typing import Annotated

import typer

from app.cli.console import Console, attributes, readable
from app.cli.lookup import find_user
from app.cli.options import Json, examples
from app.cli.services import open_database, users_over
from app.moderation.store import OperatorReadStore
from app.settings import DatabaseSettings, read_settings
from app.users.store import UserStore

app = typer.Typer(rich_markup_mode=None, add_completion=False)
audit_app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(audit_app, name="audit")


@audit_app.callback(epilog=examples("audit list juniper"))
def audit_group() -> None:
    """Show what operators have read of conversations."""


@audit_app.command(
    "list",
    epilog=examples("audit list juniper", "audit list juniper --limit 1000 --json")
    + "\n\nExit codes: 0 done, 1 no such user, 3 Postgres is unavailable.",
)
async def audit_list(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="The user.")],
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most to show.")] = 100,
    json: Json = False,
) -> None:
    """List the commands that have shown messages of a user.

    Each line says when, by which operator, and why, the newest first. Commands that read everything (scan, verify,
    export --all) are listed for every user, as of "all".
    """
    console = Console(json)
    async with open_database(read_settings(DatabaseSettings)) as postgres:
        user = await find_user(users_over(UserStore(postgres)), handle)
        found = await OperatorReadStore(postgres).of_user(user.uuid, limit=limit)
    rows = []
    for each in found:
        scope = "all" if each.is_of_all else each.group_uuid or "conversations"
        record = attributes(each, "read_at", "operator", "os_user", "command", "reason")
        console.record(record | {"message_group_uuid": each.group_uuid, "is_of_all": each.is_of_all})
        name = each.operator if each.operator == each.os_user else f"{each.operator} ({each.os_user})"
        rows.append((each.read_at or "", *map(readable, (name, each.command)), scope, readable(each.reason or "")))
    console.table(("read", "operator", "command", "of", "reason"), rows)
    console.say(f"{len(found):,} reads" + (", more with --limit" if len(found) == limit else ""))
