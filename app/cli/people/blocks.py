"""The command blocks: the users that a user has blocked."""

from typing import Annotated

import typer

from app.cli.capacity.cost import cost
from app.cli.console import Console, attributes, readable
from app.cli.lookup import find_user
from app.cli.moderation.reads import As, Why, open_services_to_read
from app.cli.options import Json, examples
from app.cli.services import require_own_table

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("blocks", epilog=examples("blocks priya", "blocks priya --limit 1000 --json"))
async def blocks(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="The user.")],
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most to show.")] = 100,
    reason: Why = None,
    name: As = None,
    json: Json = False,
) -> None:
    """List the users that a user has blocked, and since when.

    The order is that of their ids. Only the user can see the list, so each look at it is in the log of reads.
    Times are local. The last line says what the read cost.
    """
    console = Console(json)
    async with open_services_to_read(name=name, reason=reason) as (services, operator):
        await require_own_table(services.table)
        user = await find_user(services.users, handle)
        found = await services.messaging.blocks.blocks(user.uuid, after=None, limit=limit)
        names = await services.users.names(block.other_uuid for block in found)
        await operator.record(services.reads, {user.uuid, *names})
    rows = []
    for block in found:
        other = names[block.other_uuid]
        user_names = attributes(other, "handle", "display_name")
        console.record({"user_uuid": block.other_uuid, **user_names, **attributes(block, "blocked_at")})
        rows.append((other.handle or "–", readable(other.display_name), block.blocked_at))
    console.table(("handle", "name", "since"), rows)
    console.say(f"{len(found):,} blocks" + (", and perhaps more with --limit" if len(found) == limit else ""))
    console.note(cost(services.table.consumed))
