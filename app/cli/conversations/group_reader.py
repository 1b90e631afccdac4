"""The reads of an export: a group's changes, messages, head and rows, none of them ahead of what comes before it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Final, TypeVar
from uuid import UUID

from app.cli.conversations.head_lines import HeadLine
from app.cli.conversations.likeness import without_texts
from app.cli.conversations.lines import ChangeLine, InboxRowLine, Line, MessageLine
from app.cli.failures import Failure
from app.cli.services import Services
from app.gateways.dynamodb import Item, StoredItem, marshal_item, unmarshal_item
from app.messaging import change_items, items
from app.messaging.clock import now
from app.messaging.groups.items import head_key
from app.messaging.groups.models import Member, has_head
from app.messaging.groups.stored import Head, head_item, to_head
from app.messaging.inbox_items import to_inbox_row
from app.messaging.models import LAST_NUMBER, Change, ChangeType, Message
from app.messaging.row_models import InboxRow

QUERY_ITEMS: Final = 1_000

T = TypeVar("T", Message, Change)


@dataclass
class GroupReader:
    """Reads one group, strongly consistent, while it may go on."""

    services: Services
    group: UUID
    _number: int = field(default=0, init=False)
    """The last message that was read."""
    _last: Change | None = field(default=None, init=False)
    """The last change that was read."""
    _pending: Change | None = field(default=None, init=False)
    """The last change, while its message was read without it. All others were applied before it was made."""
    _applied: int = field(default=0, init=False)
    """The last change that one of the messages has."""
    _users: set[UUID] = field(default_factory=set, init=False)
    """The senders of messages, and the users that system messages tell of."""
    _head: Head | None = field(default=None, init=False)
    _members: list[Member] = field(default_factory=list, init=False)
    _changes_ahead: list[Change] | None = field(default=None, init=False)
    _messages_ahead: list[Message] | None = field(default=None, init=False)

    async def begin(self) -> None:
        """Read the first pages, so that those of several groups are read at the same time."""
        self._changes_ahead = await self._change_page(0)
        if len(self._changes_ahead) < QUERY_ITEMS:
            self._messages_ahead = await self._message_page(0)

    async def lines(self) -> AsyncIterator[Line]:
        """Yield the group's changes, messages and rows.

        Changes and messages that are written meanwhile come before the rows; a message that was changed comes again.
        """
        rows: list[InboxRow] = []
        self._head, before = None, None
        while before != self._progress and (not self._number or self._is_behind(rows)):
            before, end = self._progress, self._number
            changed = {self._pending.message_number} if self._pending else set()
            async for change in self._changes():
                changed.add(change.message_number)
                yield ChangeLine.model_validate(asdict(change))
            async for message in self._messages():
                yield MessageLine.of(message)
            for number in sorted(number for number in changed if number <= end):
                if again := await self._again(number):
                    yield MessageLine.of(again)
            rows = await self._rows()
        if self._head:
            yield HeadLine.of(self._head, self._members)
        for row in rows:
            yield InboxRowLine.of(row)

    @property
    def _progress(self) -> tuple[int, Change | None, Change | None]:
        """Return how far messages and changes were read."""
        return self._number, self._last, self._pending

    def _is_behind(self, rows: list[InboxRow]) -> bool:
        """Return whether something was read that has messages or changes which were not."""
        ends: list[InboxRow | Head] = [*rows, *([self._head] if self._head else [])]
        of_rows = max((end.change_number for end in ends), default=0)
        if self._pending and of_rows >= self._pending.number:
            return True
        is_behind = max(of_rows, self._applied) > (self._last.number if self._last else 0)
        return is_behind or any(end.last_number > self._number for end in ends)

    def _record(self, message: Message) -> None:
        self._users |= {message.user_uuid, *(message.event.users if message.event else ())}
        self._applied = max(self._applied, message.change_number)
        if self._last and message.number == self._last.message_number:
            self._pending = self._last if message.change_number < self._last.number else None

    async def _changes(self) -> AsyncIterator[Change]:
        """Yield the changes after the last one that was read."""
        ahead, self._changes_ahead = self._changes_ahead, None
        async for page in _pages(self._change_page, self._last.number if self._last else 0, ahead):
            for change in page:
                yield change
            self._last, self._pending = page[-1], None

    async def _messages(self) -> AsyncIterator[Message]:
        """Yield the messages after the last one that was read."""
        ahead, self._messages_ahead = self._messages_ahead, None
        async for page in _pages(self._message_page, self._number, ahead):
            for message in page:
                self._record(message)
                yield message
            self._number = page[-1].number

    async def _change_page(self, after: int) -> list[Change]:
        page = await self._changes_after(after)
        if not self.services.messaging.retention.period:
            return page
        edited = {(self.group, change.message_number) for change in page if change.type is ChangeType.EDIT}
        found = await self.services.messaging.messages_at(edited)
        ended = {message.number for message in found if message.ended_at or message.deleted_at}
        return [without_texts(change) if change.message_number in ended else change for change in page]

    async def _changes_after(self, number: int) -> list[Change]:
        log = change_items.changes_between(self.group, number + 1, LAST_NUMBER, consistent=True)
        found = await self.services.table.query(replace(log, limit=QUERY_ITEMS))
        changes = [change_items.to_change(item) for item in found]
        for item, change in zip(found, changes, strict=True):
            _require_same(item, change_items.change_item(change))
        return changes

    async def _message_page(self, after: int) -> list[Message]:
        log = items.messages_between(self.group, after + 1, LAST_NUMBER, consistent=True)
        found = await self.services.table.query(replace(log, limit=QUERY_ITEMS))
        messages = [_to_message(item) for item in found if not items.is_fence(item)]
        return await self.services.messaging.texts.fill(messages)

    async def _again(self, number: int) -> Message | None:
        """Return a message that was changed since it was read; a deleted one with its edits, which it does not keep."""
        item = await self.services.table.get(items.message_key(self.group, number), consistent=True)
        if item is None or items.is_fence(item):
            return None
        (message,) = await self.services.messaging.texts.fill([_to_message(item)])
        self._record(message)
        if not message.deleted_at:
            return message
        pages = _pages(self._changes_after, 0)
        changes = [each async for page in pages for each in page if each.message_number == number]
        return replace(message, edits=tuple(each.number for each in changes if each.type is ChangeType.EDIT))

    async def _rows(self) -> list[InboxRow]:
        """Return the rows of the senders, and of the peers that these rows name; of several members also the head."""
        if has_head(self.group):
            return await self._rows_and_head()
        found = await self._rows_of(self._users)
        return found + await self._rows_of({row.peer_uuid for row in found if row.peer_uuid} - self._users)

    async def _rows_and_head(self) -> list[InboxRow]:
        """Return the rows of all users that ever were members; record the head, and the members that belong to it."""
        rows: list[InboxRow] = []
        self._head, is_same = await self._read_head(), False
        while self._head and not is_same:
            before = self._head.structure_version
            self._members = await self.services.messaging.heads.list_members(self.group)
            rows = await self._rows_of(self._users | {member.user_uuid for member in self._members})
            self._head = await self._read_head()
            is_same = self._head is not None and self._head.structure_version == before
        return rows

    async def _read_head(self) -> Head | None:
        item = await self.services.table.get(head_key(self.group), consistent=True)
        if item is None:
            return None
        head = to_head(item)
        _require_same(item, head_item(head))
        return replace(head, preview="") if self._has_ended(head) else head

    async def _rows_of(self, users: Iterable[UUID]) -> list[InboxRow]:
        keys = [items.inbox_key(user, self.group) for user in sorted(users)]
        found = [await self.services.table.get(key, consistent=True) for key in keys]
        rows = [to_inbox_row(item) for item in found if item]
        return [replace(row, preview="") if self._has_ended(row) else row for row in rows]

    def _has_ended(self, of: InboxRow | Head) -> bool:
        return self.services.messaging.retention.has_ended(of.last_at, now())


async def _pages(
    read: Callable[[int], Awaitable[list[T]]], after: int, ahead: list[T] | None = None
) -> AsyncIterator[list[T]]:
    """Yield the pages of a log after this number, of which the first may have been read ahead."""
    page = await read(after) if ahead is None else ahead
    while page:
        yield page
        page = await read(page[-1].number) if len(page) == QUERY_ITEMS else []


def _to_message(item: StoredItem) -> Message:
    message = items.to_message(item)
    _require_same(item, items.message_item(message))
    return message


def _require_same(item: StoredItem, again: Item) -> None:
    """Raise a Failure for an attribute that this version does not know, which the export would lose."""
    if unmarshal_item(marshal_item(again)) != unmarshal_item(item):
        names = ", ".join(sorted(item.keys() ^ again.keys())) or "a value"
        raise Failure(
            f"{again['pk']} {again['sk']} has what this version cannot export: {names}. Use the version of the service."
        )
