"""The command members, and system messages in words."""

from collections.abc import Iterable, Mapping
from typing import Annotated
from uuid import UUID

import typer

from app.cli.console import Console, readable
from app.cli.failures import Failure
from app.cli.moderation.reads import As, Operator, Why
from app.cli.options import Json, examples
from app.cli.services import open_services, require_own_table
from app.cli.target import read_settings
from app.messaging.groups.models import Member, Role, SystemEvent, SystemEventType
from app.settings import StoreSettings
from app.users.models import Name

app = typer.Typer(rich_markup_mode=None, add_completion=False)


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
    settings = read_settings(StoreSettings)
    operator = Operator.of(settings, name=name, reason=reason)
    async with open_services(settings) as services:
        head = await services.messaging.heads.head(group)
        if head is None:
            await require_own_table(services.table)
            raise Failure(f"There is no group of several members {group}.")
        found = sorted(await services.messaging.heads.list_members(group), key=_rank)
        people = {user for member in found for user in (member.user_uuid, member.added_by)}
        names = await services.users.names(people)
        await operator.record(services.reads, people, group=group)
    console = Console(json)
    for member in found:
        console.record(_record(member, names[member.user_uuid]))
    rows = [
        (full_name(names[each.user_uuid]), each.role, each.joined_at, full_name(names[each.added_by])) for each in found
    ]
    console.table(["member", "role", "since", "added by"], rows)
    console.note(f"{readable(head.title or '')}: {len(found)} members.")


def _rank(member: Member) -> tuple[object, ...]:
    return list(Role).index(member.role), member.joined_at, member.user_uuid


def _record(member: Member, name: Name) -> dict[str, object]:
    return {
        "message_group_uuid": member.group_uuid,
        "user_uuid": member.user_uuid,
        "handle": name.handle,
        "display_name": name.display_name,
        "role": member.role,
        "joined_at": member.joined_at.isoformat(),
        "added_by": member.added_by,
    }


def full_name(name: Name) -> str:
    """Return a user's names for people."""
    return readable(name.display_name) + (f" @{name.handle}" if name.handle else "")


def in_words(event: SystemEvent, names: Mapping[UUID, Name]) -> str:
    """Return what a system message tells, after the name of its sender; `names` has those of its users."""
    users, title = _list(event.users, names), f'"{readable(event.title or "")}"'
    match event.type:
        case SystemEventType.CREATED:
            return f"[created {title} with {users}]"
        case SystemEventType.RENAMED:
            return f"[renamed the group {title}]"
        case SystemEventType.HISTORY:
            return "[lets new members read earlier messages]"
        case SystemEventType.ROLE:
            return f"[made {users} {event.role}]"
        case SystemEventType.LEFT:
            return f"[left, and made {users} owner]" if users else "[left]"
    return f"[{event.type} {users}]"


def _list(users: Iterable[UUID], names: Mapping[UUID, Name]) -> str:
    return ", ".join(readable(names[user].display_name) for user in users)
