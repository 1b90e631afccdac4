"""The checks of a group's change log, and of the messages that it has changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from app.cli.batches import batched
from app.cli.changed_messages import as_sent, with_change
from app.cli.table.findings import Finding
from app.errors import AppError
from app.gateways.dynamodb import ConditionFailed
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import change_items
from app.messaging.change_log import ChangeLog
from app.messaging.clock import now
from app.messaging.models import Change, Message
from app.messaging.store import MessagingStore

NUMBERS_AT_ONCE: Final = 10_000
MESSAGES_AT_ONCE: Final = 200
HOLES_SHOWN: Final = 5
DEFECTS: Final = 3
"""Defects that a message may have at the same time."""
SETTLING_SECONDS: Final = 0.5
FIELDS: Final = {
    "text": "text",
    "edited_at": "time of its edit",
    "deleted_at": "time of its deletion",
    "version": "version",
    "change_number": "number of its last change",
    "edits": "edits",
    "reactions": "reactions",
    "mentions": "mentions",
}
"""The fields that changes set in a message, in words."""


async def settle() -> None:
    """Wait for a send or a change that is being written right now."""
    await asyncio.sleep(SETTLING_SECONDS)


async def holes(end: int, read: Callable[[int, int], Awaitable[Iterable[Message | Change]]]) -> str:
    """Return the first numbers up to `end` that are missing in what `read` finds between two numbers, in words."""
    missing: list[str] = []
    for first in range(1, end + 1, NUMBERS_AT_ONCE):
        last = min(first + NUMBERS_AT_ONCE - 1, end)
        there = {each.number for each in await read(first, last)}
        missing += [str(number) for number in range(first, last + 1) if number not in there]
        if len(missing) > HOLES_SHOWN:
            return ", ".join(missing[:HOLES_SHOWN]) + " and more"
    return ", ".join(missing)


@dataclass(slots=True)
class Compared:
    """A message as it is stored, beside what its changes make of it."""

    stored: Message
    wanted: Message
    missing: list[Change] = field(default_factory=list)
    """Changes after the last one that the stored message has."""
    texts: list[int] = field(default_factory=list)
    """The numbers of the edits that have texts."""

    def add(self, change: Change) -> None:
        """Take the next change of the message."""
        if change.text is not None or change.earlier_text is not None:
            self.texts.append(change.number)
        if change.number > self.stored.change_number:
            self.missing.append(change)
        else:
            wanted = with_change(self.wanted, change)
            is_known = (wanted.text and not self.stored.ended_at) or wanted.deleted_at  # an edit may have lost its text
            kept = self.stored.text, self.stored.mentions
            self.wanted = wanted if is_known else replace(wanted, text=kept[0], mentions=kept[1])

    @property
    def is_unfinished(self) -> bool:
        """Return whether the message is deleted, and texts of its edits are left."""
        return bool(
            self.stored.deleted_at and self.wanted.deleted_at and (self.texts or self.stored.has_texts_to_remove)
        )

    def differences(self) -> list[str]:
        """Return the fields, in words, in which the stored message is not what its changes make of it."""
        stored = replace(self.stored, edits=()) if self.wanted.deleted_at else self.stored
        return [words for name, words in FIELDS.items() if getattr(stored, name) != getattr(self.wanted, name)]

    def defect(self) -> tuple[str, str]:
        """Return the kind of the message's defect and its detail, both empty if there is none."""
        name = f"message {self.stored.number}"
        if self.missing:
            at, end = self.stored.change_number, self.missing[-1].number
            return "message-behind", f"{name} is at change {at}, the change log has {end}"
        if differences := self.differences():
            return "message-differs", f"{name} has not the {' and '.join(differences)} that its changes give it"
        if self.is_unfinished:
            return "deletion-unfinished", f"{name} is deleted, and texts of its edits are left"
        return "", ""


class ChangeInspector:
    """Checks a group's changes with strongly consistent reads, and repairs its messages if asked to."""

    def __init__(self, table: OperatedTable, store: MessagingStore, *, repair: bool) -> None:
        self._table = table
        self._store = store
        self._log = ChangeLog(store, now, keeps_texts=True)
        self._repair = repair

    async def inspect(self, group: UUID, suspicious: Iterable[int]) -> AsyncIterator[Finding]:
        """Yield the defects of the change log, and those that the suspicious messages have now."""
        newest = await self._store.changes.newest_change(group)
        missing = await holes(newest.number if newest else 0, lambda first, last: self._changes(group, first, last))
        if missing:
            yield Finding("change-hole", f"there is no change {missing}", group)
        for numbers in batched(suspicious, MESSAGES_AT_ONCE):
            for number, compared in (await self._settled(group, numbers)).items():
                absent = "change-without-message", f"there is no message {number}, and changes of it"
                kind, detail = compared.defect() if compared else absent
                is_repaired = compared is not None and self._repair and await self._mend(compared, is_whole=not missing)
                yield Finding(kind, detail, group, repaired=is_repaired)

    async def catch_up(self, last: Change, *, after: int) -> None:
        """Apply the changes after `after` up to this one to their messages, as far as they are not applied."""
        for first in range(after + 1, last.number + 1, MESSAGES_AT_ONCE):
            end = min(first + MESSAGES_AT_ONCE - 1, last.number)
            if changes := await self._changes(last.group_uuid, first, end):
                await self._log.catch_up(changes)

    async def _changes(self, group: UUID, first: int, last: int) -> list[Change]:
        return await self._store.changes.changes_between(group, first, last, consistent=True)

    async def _settled(self, group: UUID, numbers: list[int]) -> dict[int, Compared | None]:
        """Return those of the messages that have a defect, unless they are being written."""
        if not (before := await self._defective(group, numbers)):
            return {}
        await settle()
        after = await self._defective(group, list(before))
        stored = {number: compared and compared.stored for number, compared in before.items()}
        return {number: each for number, each in after.items() if (each and each.stored) == stored[number]}

    async def _defective(self, group: UUID, numbers: list[int]) -> dict[int, Compared | None]:
        """Return those of the messages that have a defect; None for one that does not exist."""
        found = await asyncio.gather(*(self._store.message(group, number) for number in numbers))
        compared = {each.number: Compared(each, as_sent(each)) for each in found if each}
        newest = await self._store.changes.newest_change(group)
        for first in range(1, newest.number + 1 if newest else 1, NUMBERS_AT_ONCE):
            for change in await self._changes(group, first, first + NUMBERS_AT_ONCE - 1):
                if of := compared.get(change.message_number):
                    of.add(change)
        defective: dict[int, Compared | None] = {n: each for n, each in compared.items() if each.defect()[0]}
        return defective | dict.fromkeys(number for number in numbers if number not in compared)

    async def _mend(self, compared: Compared, *, is_whole: bool) -> bool:
        """Mend one defect after the other, and return whether none is left."""
        group, number = compared.stored.group_uuid, compared.stored.number
        with suppress(AppError, ConditionFailed):
            for _ in range(DEFECTS):
                await self._mend_first(compared, is_whole=is_whole)
                left = (await self._defective(group, [number])).get(number)
                if left is None:
                    return True
                compared = left
        return False

    async def _mend_first(self, compared: Compared, *, is_whole: bool) -> None:
        """Apply what is missing, or write what differs anew, or remove the texts of a deleted message.

        A log with a hole does not say what is right.
        """
        if compared.missing:
            await self._log.catch_up(compared.missing)
        elif compared.differences():
            if is_whole:
                await self._table.update(change_items.reset_changes(compared.wanted, compared.stored))
        else:
            edits = sorted({*compared.texts, *compared.stored.edits})
            await self._store.changes.remove_texts(replace(compared.stored, edits=tuple(edits)))
