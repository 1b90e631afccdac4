"""The command members."""

from typing import Annotated, Final
from uuid import UUID

import typer

from app.cli.console import Console, attributes, readable
from app.cli.conversations.words import full_name
from app.cli.failures import Failure
from app.cli.moderation.reads import As, Why, open_services_to_read
from app.cli.options import Json, examples
from app.cli.services import require_own_table
from app.messaging.groups.models import Role

app = typer.Typer(rich_markup_mode=None, add_completion=False)

RANKS: Final = tuple(Role)


@app.command(
    "members",
    epilog=examples(
        "members 0e8bb9f4-6bd5-8c0c-a7ce-9a2e7bb7f0d8",
        "members 0e8bb9f4-6bd5-8c0c-a7ce-9a2e7bb7f0d8 --json",
    ),
)
async def members(
    group: Annotated[UUID, typer.Argument(metavar="GROUP", help="The uuid of a group of several members.")],
    reason: Why = None,
    name: As = None,
    json: Json = False,
) -> None:
    """Show the title of a group of several members, and its members.

    Each line says the role of a member, and when and by which user the member was added. `list-conversations`
    shows the groups of a user with their uuids. Times are local.
    """
    async with open_services_to_read(name=name, reason=reason) as (services, operator):
        head = await services.messaging.heads.head(group)
        if head is None:
            await require_own_table(services.table)
            raise Failure(f"There is no group of several members {group}.")
        found = await services.messaging.heads.list_members(group)
        found.sort(key=lambda member: (RANKS.index(member.role), member.joined_at, member.user_uuid))
        people = {user for member in found for user in (member.user_uuid, member.added_by)}
        names = await services.users.names(people)
        await operator.record(services.reads, people, group=group)
    console = Console(json)
    for each in found:
        user = {"message_group_uuid": group, "user_uuid": each.user_uuid}
        user |= attributes(names[each.user_uuid], "handle", "display_name")
        console.record(user | attributes(each, "role", "joined_at", "added_by"))
    rows = [
        (full_name(names[each.user_uuid]), each.role, each.joined_at, full_name(names[each.added_by])) for each in found
    ]
    console.table(["member", "role", "since", "added by"], rows)
    console.note(f"{readable(head.title or '')}: {len(found)} members.")
