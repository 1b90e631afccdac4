"""The commands get-conversation and list-conversations: the two access patterns and what they cost."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import typer

from app.cli.capacity.cost import cost
from app.cli.console import Console, readable
from app.cli.conversations.records import message_record, row_record
from app.cli.conversations.words import full_name, message_in_words, preview_in_words, view_in_words
from app.cli.failures import Code, Failure
from app.cli.lookup import find_group, find_user
from app.cli.moderation.reads import As, Why, members_of, open_services_to_read, people_of
from app.cli.options import Json, examples
from app.cli.services import require_own_table
from app.errors import InvalidParameter
from app.messaging.clock import now
from app.messaging.inbox import Inbox
from app.messaging.models import LAST_NUMBER
from app.messaging.row_models import Folder, InboxPosition
from app.messaging.visibility import seen_by
from app.messaging.windows import Window
from app.users.models import Name

app = typer.Typer(rich_markup_mode=None, add_completion=False)

GroupOrHandles = Annotated[
    list[str], typer.Argument(metavar="GROUP | HANDLE HANDLE", help="A group's uuid, or the handles of two users.")
]
COLUMNS: Final = ("active", "with", "unread", "messages", "last by", "last message", "view", "group")
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="The most to show.")]


@app.command(
    "get-conversation",
    epilog=examples(
        "get-conversation juniper osman",
        "get-conversation juniper osman --around 50 --limit 11",
        "get-conversation 0e8bb9f4-6bd5-5c0c-a7ce-9a2e7bb7f0d8 --before 101 --json",
    ),
)
async def get_conversation(
    names: GroupOrHandles,
    before: Annotated[int | None, typer.Option(min=1, max=LAST_NUMBER, help="Older than this number.")] = None,
    after: Annotated[int | None, typer.Option(min=1, max=LAST_NUMBER, help="Newer than this number.")] = None,
    around: Annotated[int | None, typer.Option(min=1, max=LAST_NUMBER, help="On both sides of this number.")] = None,
    seen_by_handle: Annotated[
        str | None,
        typer.Option("--seen-by", metavar="HANDLE", help="As this member sees it."),
    ] = None,
    limit: Limit = 20,
    reason: Why = None,
    name: As = None,
    json: Json = False,
) -> None:
    """Show the newest messages of a group, or those around a number, oldest first.

    Beside the text stands the number that a message replies to, whether it was edited, and its reactions; of a
    deleted or expired message nothing else is left. Times are local. The last line says what the read cost, in
    capacity units and on demand.
    """
    try:
        window = Window.select(limit, before=before, after=after, around=around)
    except InvalidParameter as error:
        raise Failure(f"{error}.", Code.USAGE) from None
    async with open_services_to_read(name=name, reason=reason) as (services, operator):
        group = await find_group(services.users, names)
        viewer = (await find_user(services.users, seen_by_handle)).uuid if seen_by_handle else None
        row = await services.messaging.inbox_row(viewer, group) if viewer else None
        messages = await services.messaging.messages_in(group, window.above(row.cleared_number if row else 0))
        if not messages:
            await require_own_table(services.table)
            raise Failure(f"Group {group} has no messages there.")
        what_it_cost = cost(services.table.consumed)
        shown = {user for each in messages for user in (each.user_uuid, *(each.event.users if each.event else ()))}
        people = await members_of(services.messaging, group, shown)
        senders = await services.users.names(people)
        await operator.record(services.reads, people, group=group)
    console, cells = Console(json), []
    for message in (seen_by(message, viewer) if viewer else message for message in messages):
        sender, text = senders[message.user_uuid], message_in_words(message, senders, viewer)
        console.record(message_record(message, sender))
        cells.append((message.number, message.created_at, readable(sender.display_name), text))
    console.table(["number", "sent", "by", "message"], cells, right=["number"])
    first, last = messages[0].number, messages[-1].number
    older = f", older ones with --before {first}" if first > 1 else ""
    console.note(f"Group {group}. Messages {first} to {last}{older}. {what_it_cost}")


@app.command(
    "list-conversations",
    epilog=examples("list-conversations juniper", "list-conversations juniper --before 2026-11-01 --json"),
)
async def list_conversations(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="The user.")],
    before: Annotated[
        datetime | None, typer.Option(help="Only groups without activity since then (local time).")
    ] = None,
    folder: Annotated[Folder, typer.Option(help="The part of the user's list.")] = Folder.INBOX,
    limit: Limit = 20,
    reason: Why = None,
    name: As = None,
    json: Json = False,
) -> None:
    """Show a user's message groups, newest activity first.

    Each line has the peer or title, the last message and the number of unread ones. Beside them stands what the
    user has made of a group: pinned (at which place), muted, cleared (up to which number). An @ beside that number
    says that some of them mention the user. Times are local. The last line says what the read cost, in capacity
    units and on demand.
    """
    position = InboxPosition(before.astimezone(), UUID(int=0)) if before else None
    async with open_services_to_read(name=name, reason=reason) as (services, operator):
        user = await find_user(services.users, handle)
        page = await Inbox(services.messaging.inbox).page(user.uuid, before=position, folder=folder, limit=limit)
        rows = [services.messaging.retention.applied_to_row(row, now()) for row in page.rows]
        if not rows:
            await require_own_table(services.table)
        what_it_cost = cost(services.table.consumed)
        names = await services.users.names({uuid for row in rows for uuid in (row.peer_uuid, row.last_by) if uuid})
        if rows:
            await operator.record(services.reads, await people_of(services.messaging, user.uuid, rows))
    console, cells = Console(json), []
    for row in rows:
        peer, sender = names[row.peer_uuid] if row.peer_uuid else Name(row.title or "", None), names[row.last_by]
        console.record(row_record(row, peer, sender))
        unread = f"{row.unread_count or ''}{' @' * bool(row.unread_mentions)}" or "marked" * row.is_marked_unread
        last = readable(sender.display_name), preview_in_words(row)
        facts = row.last_at, full_name(peer), unread, row.last_number
        cells.append((*facts, *last, view_in_words(row), row.group_uuid))
    if rows:
        console.table(COLUMNS, cells, right=["unread", "messages"])
    else:
        console.note(f"@{user.handle} has no message groups there.")
    console.note(what_it_cost)
