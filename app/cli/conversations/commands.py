"""get-conversation and list-conversations: the two access patterns, as a person reads them, with what they cost."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from app.cli.capacity.pricing import Prices
from app.cli.console import Console, local_time, readable
from app.cli.failures import Code, Failure
from app.cli.options import Json, examples
from app.cli.target import open_table, open_users, read_settings
from app.gateways.dynamodb.consumed import Consumed
from app.messaging.models import LAST_NUMBER, InboxPosition, InboxRow, MemberState, Message, direct_group_uuid
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from app.settings import StoreSettings
from app.users.models import NOBODY, Name
from app.users.store import UserStore

app = typer.Typer(rich_markup_mode=None)

WHOLE_INBOX = 200

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
    if [before, after, around].count(None) < 2:
        raise Failure("--before, --after and --around exclude one another: give one of them.", Code.USAGE)
    if before:
        return Window.before(before, limit)
    if after:
        return Window.after(after, limit)
    return Window.around(around, limit) if around else Window.newest(limit)


async def _get_conversation(console: Console, settings: StoreSettings, who: Sequence[str], window: Window) -> None:
    async with open_users(settings) as users, open_table(settings) as table:
        group = await group_of(users, who)
        messages = await _read(MessagingStore(table), group, window)
        names = await names_of(users, {message.user_uuid for message in messages})
    for message in messages:
        console.record(_message_record(message, names[message.user_uuid]))
    if not messages:
        raise Failure(f"Group {group} has no messages there.")
    _show_messages(console, messages, names)
    console.note(f"Group {group}. {_page(messages)} {cost(table.consumed)}")


async def group_of(users: UserStore, who: Sequence[str]) -> UUID:
    """The group that one uuid or two handles name."""
    match who:
        case [text]:
            try:
                return UUID(text)
            except ValueError:
                raise Failure(f"{text!r} is not a group's uuid: give one, or two handles.", Code.USAGE) from None
        case [one, other]:
            return direct_group_uuid(await user_of(users, one), await user_of(users, other))
    raise Failure("Give one group's uuid, or two handles.", Code.USAGE)


async def user_of(users: UserStore, handle: str) -> UUID:
    """The user with this handle, in whatever case, with or without @."""
    user = await users.by_handle(handle.removeprefix("@").lower())
    if user is None:
        raise Failure(f"There is nobody with the handle {handle!r}.")
    return user.uuid


async def names_of(users: UserStore, uuids: Iterable[UUID]) -> Mapping[UUID, Name]:
    """What these people are called now."""
    wanted = set(uuids)
    found = {user.uuid: Name(user.display_name, user.handle) for user in await users.by_uuids(wanted)}
    return {uuid: found.get(uuid, NOBODY) for uuid in wanted}


async def _read(store: MessagingStore, group: UUID, window: Window) -> list[Message]:
    if window.first is None:
        return await store.newest_messages(group, limit=window.limit)
    return [] if window.is_empty else await store.messages_between(group, window.first, window.last)


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


def cost(consumed: Consumed) -> str:
    """What the calls took, as the engine reports it, and what that is on demand."""
    price = Prices().requests(reads=consumed.read_units, writes=consumed.write_units)
    units = f"{consumed.read_units:,g} read units" + (
        f", {consumed.write_units:g} write units" if consumed.write_units else ""
    )
    calls = f"{consumed.calls:,} call" + ("s" if consumed.calls != 1 else "")
    again = f" {consumed.retries:,} tries met a throttle or another fault." if consumed.retries else ""
    return f"{calls}, {units}: on demand ${price * 1e6:.3f} for a million times this.{again}"


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
    async with open_users(settings) as users, open_table(settings) as table:
        user = await user_of(users, handle)
        rows = await _newest_rows(MessagingStore(table), user, before=before, limit=limit)
        names = await names_of(users, {uuid for row in rows for uuid in (row.peer_uuid, row.last_by)})
    for row in rows:
        console.record(_row_record(row, names))
    if rows:
        _show_rows(console, rows, names)
    else:
        console.note(f"@{handle.removeprefix('@')} has no message groups there.")
    console.note(cost(table.consumed))


async def _newest_rows(store: MessagingStore, user: UUID, *, before: datetime | None, limit: int) -> list[InboxRow]:
    """As the service reads: an inbox of up to 200 groups whole, a larger one by its index."""
    position = InboxPosition(before.astimezone(), UUID(int=0)) if before else None
    rows = await store.inbox_rows(user, limit=WHOLE_INBOX + 1)
    if len(rows) > WHOLE_INBOX:
        return await store.inbox_rows_by_activity(user, before=position, limit=limit)
    active = [
        row for row in rows if row.state is MemberState.ACTIVE and (not position or position > InboxPosition.of(row))
    ]
    return sorted(active, key=InboxPosition.of, reverse=True)[:limit]


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
