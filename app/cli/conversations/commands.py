"""get-conversation and list-conversations: the two access patterns, as a person reads them, with what they cost."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from app.cli.capacity.cost import cost
from app.cli.console import Console, local_time, readable
from app.cli.failures import Code, Failure
from app.cli.lookup import find_group, find_user
from app.cli.options import Json, examples
from app.cli.services import open_services
from app.cli.target import read_settings
from app.errors import InvalidParameter
from app.messaging.inbox import Inbox
from app.messaging.models import LAST_NUMBER, InboxPosition, InboxRow, Message
from app.messaging.windows import Window
from app.settings import StoreSettings
from app.users.models import Name

app = typer.Typer(rich_markup_mode=None)

Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]


@app.command(
    "get-conversation",
    epilog=examples(
        "get-conversation juniper osman",
        "get-conversation juniper osman --around 50 --limit 11",
        "get-conversation 0e8bb9f4-6bd5-5c0c-a7ce-9a2e7bb7f0d8 --before 101 --json",
    ),
)
def get_conversation(
    who: Annotated[list[str], typer.Argument(metavar="GROUP | HANDLE HANDLE", help="A group's uuid, or two people.")],
    before: Annotated[int | None, typer.Option(min=1, max=LAST_NUMBER, help="Older than this number.")] = None,
    after: Annotated[int | None, typer.Option(min=1, max=LAST_NUMBER, help="Newer than this number.")] = None,
    around: Annotated[int | None, typer.Option(min=1, max=LAST_NUMBER, help="On both sides of this number.")] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """The newest messages of a group, or those before, after or around a number, oldest first.

    Times are local. The last line says what the read cost, in capacity units and on demand.
    """
    window = _window(before=before, after=after, around=around, limit=limit)
    asyncio.run(_get_conversation(Console(json), read_settings(StoreSettings), who, window))


def _window(*, before: int | None, after: int | None, around: int | None, limit: int) -> Window:
    try:
        return Window.select(limit, before=before, after=after, around=around)
    except InvalidParameter as error:
        raise Failure(f"{error}: give one of --before, --after and --around.", Code.USAGE) from None


async def _get_conversation(console: Console, settings: StoreSettings, who: Sequence[str], window: Window) -> None:
    async with open_services(settings) as services:
        group = await find_group(services.users, who)
        messages = await services.messaging.messages_in(group, window)
        names = await services.users.names({message.user_uuid for message in messages})
    for message in messages:
        console.record(_message_record(message, names[message.user_uuid]))
    if not messages:
        raise Failure(f"Group {group} has no messages there.")
    _show_messages(console, messages, names)
    console.note(f"Group {group}. {_page(messages)} {cost(services.table.consumed)}")


def _message_record(message: Message, sender: Name) -> dict[str, Any]:
    return {
        "message_group_uuid": message.group_uuid, "number": message.number, "uuid": message.uuid,
        "user_uuid": message.user_uuid, "handle": sender.handle, "display_name": sender.display_name,
        "created_at": message.created_at.isoformat(), "message": message.text, "reply_to": message.reply_to,
    }  # fmt: skip


def _show_messages(console: Console, messages: Iterable[Message], names: Mapping[UUID, Name]) -> None:
    rows = [
        (message.number, local_time(message.created_at), readable(names[message.user_uuid].display_name),
         readable(message.text)) for message in messages
    ]  # fmt: skip
    console.table(["number", "sent", "by", "message"], rows, right=["number"])


def _page(messages: Sequence[Message]) -> str:
    first, last = messages[0].number, messages[-1].number
    older = f", older ones with --before {first}" if first > 1 else ""
    return f"Messages {first} to {last}{older}."


@app.command(
    "list-conversations",
    epilog=examples("list-conversations juniper", "list-conversations juniper --before 2026-11-01 --json"),
)
def list_conversations(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Whose.")],
    before: Annotated[
        datetime | None, typer.Option(help="Only groups without activity since then (local time).")
    ] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """Somebody's message groups, newest activity first: with whom, what was said last, how much is unread."""
    asyncio.run(_list_conversations(Console(json), read_settings(StoreSettings), handle, before=before, limit=limit))


async def _list_conversations(
    console: Console, settings: StoreSettings, handle: str, *, before: datetime | None, limit: int
) -> None:
    position = InboxPosition(before.astimezone(), UUID(int=0)) if before else None
    async with open_services(settings) as services:
        user = await find_user(services.users, handle)
        rows = await Inbox(services.messaging).newest_rows(user.uuid, behind=position, limit=limit)
        names = await services.users.names({uuid for row in rows for uuid in (row.peer_uuid, row.last_by)})
    for row in rows:
        console.record(_row_record(row, names))
    if rows:
        _show_rows(console, rows, names)
    else:
        console.note(f"@{user.handle} has no message groups there.")
    console.note(cost(services.table.consumed))


def _row_record(row: InboxRow, names: Mapping[UUID, Name]) -> dict[str, Any]:
    peer = names[row.peer_uuid]
    return {
        "message_group_uuid": row.group_uuid, "handle": peer.handle, "display_name": peer.display_name,
        "last_at": row.last_at.isoformat(), "last_number": row.last_number, "read_number": row.read_number,
        "unread_count": row.unread_count, "last_by": names[row.last_by].handle, "preview": row.preview,
    }  # fmt: skip


def _show_rows(console: Console, rows: Iterable[InboxRow], names: Mapping[UUID, Name]) -> None:
    cells = [
        (local_time(row.last_at), _called(names[row.peer_uuid]), row.unread_count or "", row.last_number,
         readable(names[row.last_by].display_name), readable(row.preview), row.group_uuid) for row in rows
    ]  # fmt: skip
    console.table(["active", "with", "unread", "messages", "last by", "last message", "group"], cells,
                  right=["unread", "messages"])  # fmt: skip


def _called(name: Name) -> str:
    return readable(name.display_name) + (f" @{name.handle}" if name.handle else "")
