"""The writes of an import to logs and change logs, as far as they do not have what is written."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TypeVar
from uuid import UUID

from app.cli.changes import append_change
from app.cli.conversations.likeness import is_alike, without_content, without_texts
from app.cli.conversations.tally import Tally
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import change_items
from app.messaging.errors import CannotMessage, UuidTaken
from app.messaging.models import Change, Message
from app.messaging.store import MessagingStore, NumberTaken

T = TypeVar("T", Message, Change)


class LogWriter:
    """Writes changes and messages, and reports those that differ from the existing ones."""

    def __init__(self, table: OperatedTable, tally: Tally) -> None:
        self._table = table
        self._store = MessagingStore(table)
        self._tally = tally

    async def write_changes(self, changes: Sequence[Change]) -> None:
        """Write changes, as far as they are not there."""

        async def write(run: Sequence[Change]) -> None:
            group, first, last = run[0].group_uuid, run[0].number, run[-1].number
            found = await self._store.changes.changes_between(group, first, last, consistent=True)
            there = {change.number: change for change in found}
            await asyncio.gather(*(self._write_change(change, there.get(change.number)) for change in run))

        await asyncio.gather(*map(write, _runs(changes)))

    async def _write_change(self, change: Change, there: Change | None) -> None:
        there = there or await append_change(self._store.changes, change)
        if there is None:
            return self._tally.count(1)
        if there in (change, without_texts(change)):
            return self._tally.count(0)
        if change != without_texts(there):
            return self._tally.report(f"Group {change.group_uuid} has another change {change.number}.")
        await self._table.update(change_items.remove_texts(change.group_uuid, change.number))  # deleted since
        return self._tally.count(1)

    async def write_messages(self, messages: Sequence[Message]) -> None:
        """Write messages, those of a group in their order: one that was changed during the export comes again."""
        groups: dict[UUID, list[Message]] = {}
        for message in messages:
            groups.setdefault(message.group_uuid, []).append(message)

        async def write(of_group: Sequence[Message]) -> None:
            for run in _runs(of_group):
                await self._write_run(run)

        await asyncio.gather(*map(write, groups.values()))

    async def _write_run(self, messages: Sequence[Message]) -> None:
        """Write successive messages of a log. If the first is there, the others are read before any is written."""
        first, *others = messages
        there: dict[int, Message] = {}
        if not await self._write_message(first) and others:
            group, end = first.group_uuid, others[-1].number
            found = await self._store.messages_between(group, others[0].number, end, consistent=True)
            there = {message.number: message for message in found}
        for message in others:
            if message.number in there:
                await self._follow(message, there[message.number])
        await asyncio.gather(*(self._write_message(message) for message in others if message.number not in there))

    async def _write_message(self, message: Message) -> bool:
        """Write a message, and return whether its number was free."""
        try:
            await self._store.texts.put(message)
            await self._store.append_message(message)
        except NumberTaken as error:
            await self._follow(message, error.winner)
        except UuidTaken:
            self._tally.report(f"Group {message.group_uuid} has another message {message.number}.")
        except CannotMessage:
            self._tally.report(f"Group {message.group_uuid} is blocked, and takes no message {message.number}.")
        else:
            self._tally.count(1)
            await self._remove_texts(message)
            return True
        return False

    async def _follow(self, message: Message, there: Message) -> None:
        """Bring the existing message to the changes that this one has, unless it has them, or is another message."""
        is_same = without_content(message) == without_content(there)
        if is_same and there.change_number < message.change_number:
            await self._table.update(change_items.reset_changes(message, there))
            self._tally.count(1)
        elif (is_same and there.change_number > message.change_number) or is_alike(message, there):
            self._tally.count(0)
        else:
            return self._tally.report(f"Group {message.group_uuid} has another message {message.number}.")
        return await self._remove_texts(replace(message, expires_in=message.expires_in or there.expires_in))

    async def _remove_texts(self, message: Message) -> None:
        """Finish the deletion of a message that has other texts: they were exported before it was deleted."""
        if message.has_texts_to_remove:
            await self._store.changes.remove_texts(message)


def _runs(values: Sequence[T]) -> list[list[T]]:
    """Return the values in lists of successive numbers of a group."""
    keyed = ((value.group_uuid, value.number - at, value) for at, value in enumerate(values))
    return [[value for *_, value in run] for _, run in groupby(keyed, key=itemgetter(0, 1))]
