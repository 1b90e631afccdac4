"""Writes the stock conversations of app/cli/seed/conversations.py into an empty installation."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.cli.changes import ensure_change
from app.cli.seed.conversations import BLOCK, CONVERSATIONS, GROUPS, PEOPLE, Conversation, Line, timeline
from app.cli.seed.stock_groups import group_uuid, planned_event, write_items
from app.concurrency import TaskSet
from app.concurrency.publish import discard_events
from app.gateways.dynamodb import open_table
from app.gateways.postgres import open_postgres
from app.messaging.changed_rows import ChangedRows
from app.messaging.models import Block, Change, ChangeType, Message, MessageKind
from app.messaging.projection import Projection
from app.messaging.row_models import Folder
from app.messaging.store import GroupStarted, MarkerNotMoved, MessagingStore, NumberTaken
from app.settings import Settings
from app.users.store import UserStore

AT_ONCE = 16
DRAIN_SECONDS = 30
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The end of a mute that does not end."""
SET_BY_VIEW: Mapping[str, Mapping[str, Any]] = {
    "muted": {"muted_until": FOREVER},
    "archived": {"folder": Folder.ARCHIVE},
}
"""The fields of a row that these views set; a pin has a place among others."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """The numbers of what is there after a seed."""

    people: int
    groups: int
    messages: int

    def __str__(self) -> str:
        return f"{self.people} people, {self.groups} conversations, {self.messages} messages"


async def seed_if_empty(settings: Settings) -> SeedReport | None:
    """Write the stock conversations, or return None if there are users already, and their groups.

    They are written again when the table has lost those of the stock users, as a stand-in for DynamoDB does in a crash.
    """
    async with open_postgres(settings) as postgres, open_table(settings) as table:
        users, store = UserStore(postgres), MessagingStore(table)
        if not await users.is_empty():
            stock = await users.by_uuids([person.uuid for person in PEOPLE])
            if not stock or any([await store.inbox_rows(user.uuid, limit=1) for user in stock]):
                return None
        return await seed(users, store)


async def seed(users: UserStore, store: MessagingStore, *, with_views: bool = True) -> SeedReport:
    """Write the people and their conversations, with the people's views if wanted; keep existing items.

    Users come last: an interrupted seed leaves none, and the next start finishes it, as every write before may be
    repeated.
    """
    end = datetime.now(UTC)
    counts = await asyncio.gather(*(_seed_conversation(store, each, end) for each in (*CONVERSATIONS, *GROUPS)))
    if with_views:
        await asyncio.gather(*(_set_views(store, each) for each in CONVERSATIONS))
    user, other = (person.uuid for handle in BLOCK for person in PEOPLE if person.handle == handle)
    await store.blocks.block(Block(user, other, end))
    await users.add_all([person.new_user() for person in PEOPLE])
    return SeedReport(len(PEOPLE), len(counts), sum(counts))


async def _seed_conversation(store: MessagingStore, conversation: Conversation, end: datetime) -> int:
    """Write a conversation, and keep one of several people that has a head, which is written last."""
    messages = await _at_first_times(store, planned_messages(conversation, end))
    if conversation.title is None:
        await _write_direct_group(store, conversation, messages)
        await _write_changes(store, conversation, messages)
        await _hide(store, conversation, messages)
    elif not await store.heads.head(messages[0].group_uuid):
        await _append_all(store, messages)
        await _write_changes(store, conversation, messages)
        await write_items(store, conversation, messages, planned_changes(conversation, messages))
    return len(messages)


async def _write_direct_group(store: MessagingStore, conversation: Conversation, messages: Sequence[Message]) -> None:
    """Write the log and the rows of two people, up to what each has read."""
    first, *others = messages
    with suppress(GroupStarted):
        await store.start_direct_group(first, peer=conversation.receiver, is_request=conversation.is_request)
    await _append_all(store, others)
    for handle, user in conversation.uuids.items():
        await store.advance_inbox_row(messages[-1], user=user)
        with suppress(MarkerNotMoved):
            await store.move_delivered_marker(user, first.group_uuid, len(messages))
        with suppress(MarkerNotMoved):
            await store.move_read_marker(user, first.group_uuid, conversation.read_through[handle])


async def _set_views(store: MessagingStore, conversation: Conversation) -> None:
    """Mute, archive and pin, as far as the people have not done anything of it."""
    group = group_uuid(conversation)
    for handle, user in conversation.uuids.items():
        view, row = conversation.views.get(handle, ""), await store.inbox_row(user, group)
        if row is None or row.muted_until or row.pin_position or row.folder is not Folder.INBOX:
            continue
        if view in SET_BY_VIEW:
            await store.views.rewrite(row, replace(row, **SET_BY_VIEW[view]))
        elif view == "pinned":
            pins, pinned = await store.views.pins(user), replace(row, pin_position=1, pinned_at=row.last_at)
            await store.views.rewrite_pinned(row, pinned, pins, pins.placed(group, 1))


async def _hide(store: MessagingStore, conversation: Conversation, messages: Sequence[Message]) -> None:
    """Hide messages from the people that have deleted them for themselves, as far as they have rows."""
    for line, message in zip(conversation.lines, messages, strict=True):
        for handle in line.hidden_by:
            row = await store.inbox_row(conversation.uuids[handle], message.group_uuid)
            stored = await store.message(message.group_uuid, message.number)
            if row and stored and row.user_uuid not in stored.hidden_by:
                await store.hide(stored, row, message.created_at)


async def _write_changes(store: MessagingStore, conversation: Conversation, messages: Sequence[Message]) -> None:
    """Make the changes of a conversation, as far as they are not made, unless the users have made others."""
    tasks = TaskSet()
    rows = ChangedRows(store, Projection(store, tasks, discard_events), discard_events)
    for change in planned_changes(conversation, messages):
        message = await store.message(change.group_uuid, change.message_number)
        if message is None or (not message.change_number and message != messages[message.number - 1]):
            break
        if not await ensure_change(store.changes, change):
            break
        changed = await store.changes.apply(change, message)
        if changed and changed.deleted_at and changed.edits:
            await store.changes.remove_texts(changed)
        row = await store.inbox_row(messages[0].user_uuid, change.group_uuid)
        if changed and row:
            await rows.advance(change, changed, row)
    await tasks.drain(DRAIN_SECONDS)


async def _at_first_times(store: MessagingStore, messages: list[Message]) -> list[Message]:
    """Return the messages at the times of those that an interrupted seed has left, so that none goes back in time."""
    newest = await store.newest_messages(messages[0].group_uuid, limit=1, consistent=True)
    for message in messages:
        if newest and message.uuid == newest[0].uuid:
            shift = newest[0].created_at - message.created_at
            return [replace(each, created_at=each.created_at + shift) for each in messages]
    return messages


async def _append_all(store: MessagingStore, messages: Iterable[Message]) -> None:
    """Write messages, several at a time, as far as they are not there."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def append(message: Message) -> None:
        async with gate:
            await store.texts.put(message)
            with suppress(NumberTaken):
                await store.append_message(message)

    await asyncio.gather(*map(append, messages))


def planned_messages(conversation: Conversation, end: datetime) -> list[Message]:
    """Return the messages of a conversation, as they were sent, in a timeline that ends at `end`."""
    uuids, group = conversation.uuids, group_uuid(conversation)
    return [
        Message(
            group,
            number,
            conversation.message_uuid(number),
            uuids[line.by],
            line.earlier_text or line.text,
            at,
            reply_to=number - line.replies_to if line.replies_to else None,
            mentions=_mentioned(line.earlier_text or line.text, uuids),
            expires_in=line.expires_in,
            kind=MessageKind.SYSTEM if line.event else MessageKind.TEXT,
            event=planned_event(line, uuids, conversation.title),
        )
        for number, (line, at) in enumerate(timeline(conversation, end=end), 1)
    ]


def _mentioned(text: str, uuids: Mapping[str, UUID]) -> frozenset[UUID]:
    return frozenset(uuid for handle, uuid in uuids.items() if re.search(rf"@{handle}\b", text))


def planned_changes(conversation: Conversation, messages: Sequence[Message]) -> list[Change]:
    """Return the changes of these messages of a conversation, each in the minute after its message."""
    changes: list[Change] = []
    for line, message in zip(conversation.lines, messages, strict=True):
        for type_, user, more in _changes_of(line, message, conversation.uuids):
            number, at = len(changes) + 1, message.created_at + timedelta(seconds=30)
            uuid = conversation.change_uuid(number)
            changes.append(Change(message.group_uuid, number, uuid, user, at, type_, message.number, **more))
    return changes


def _changes_of(
    line: Line, message: Message, uuids: Mapping[str, UUID]
) -> Iterator[tuple[ChangeType, UUID, dict[str, Any]]]:
    """Yield the type of each change of a line, its user, and the other fields."""
    if line.earlier_text:
        texts = {"text": line.text, "earlier_text": line.earlier_text, "version": 2}
        yield ChangeType.EDIT, message.user_uuid, texts | {"mentions": _mentioned(line.text, uuids)}
    for emoji, handle in line.reactions:
        yield ChangeType.REACT, uuids[handle], {"emoji": emoji}
    if line.is_deleted:
        yield ChangeType.DELETE, message.user_uuid, {}


def main() -> None:
    """Seed an empty installation from a container: `python -m app.cli.seed.stock`."""
    report = asyncio.run(seed_if_empty(Settings()))
    print(f"Seeded {report}" if report else "There are users already: nothing to seed")


if __name__ == "__main__":
    main()
