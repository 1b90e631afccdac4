"""The exact cost of changes, in calls and in units, by DynamoDB's rules."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.concurrency import TaskSet
from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.changes import MAX_EDITS, Changes
from app.messaging.models import ChangeDraft, ChangeType, Draft, Message
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.messaging.test_capacity import TEXT, Metered

DAY = timedelta(days=1)


class Changing(Metered):
    """Ann, Bob, and a message of hundred characters of Ann's."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.changes = Changes(
            self.messaging, self.store, tasks=TaskSet(), edit_window=DAY, delete_window=DAY, shows_edits=True
        )

    async def change(self, kind: ChangeType, number: int = 1, *, user: UUID | None = None, **content: Any) -> Message:
        draft = ChangeDraft(user or self.ann, self.group, number, kind, **content)
        match kind:
            case ChangeType.EDIT:
                return await self.changes.edit(draft)
            case ChangeType.DELETE:
                return await self.changes.delete(draft)
            case ChangeType.REACT:
                return await self.changes.react(draft)
            case ChangeType.UNREACT:
                return await self.changes.unreact(draft)


@pytest.fixture
async def changing(service: Service) -> Changing:
    changing = Changing(service)
    await changing.send()
    return changing


CHANGE = ["GetItem", "GetItem", "PutItem", "UpdateItem", "UpdateItem", "UpdateItem"]
"""The row and the message; the entry, the message and both rows."""


@pytest.mark.parametrize("is_last", [True, False])
async def test_a_change_costs_4_write_units_and_2_read_units(changing: Changing, is_last: bool) -> None:
    if not is_last:
        await changing.send()
    for kind, content in (
        (ChangeType.REACT, {"emoji": "😀"}),
        (ChangeType.UNREACT, {"emoji": "😀"}),
        (ChangeType.EDIT, {"text": TEXT[::-1], "version": 1}),
    ):
        async with changing.meter.measure() as spent:
            await changing.change(kind, **content)
        assert spent.calls == CHANGE
        assert (spent.write_units, spent.index_write_units, spent.read_units) == (4, 0, 2), (kind, spent)


async def test_a_deletion_costs_1_write_unit_more_and_1_for_each_edit(changing: Changing) -> None:
    async with changing.meter.measure() as spent:
        await changing.change(ChangeType.DELETE)
    assert (spent.calls, spent.write_units, spent.read_units) == (CHANGE, 4, 2), spent
    await changing.send()
    for version in range(1, 4):
        await changing.change(ChangeType.EDIT, 2, text=f"{version}", version=version)
    async with changing.meter.measure() as spent:
        await changing.change(ChangeType.DELETE, 2)
    assert (len(spent.calls), spent.write_units, spent.read_units) == (len(CHANGE) + 4, 8, 2), spent


async def test_a_change_that_changes_nothing_costs_2_read_units(changing: Changing) -> None:
    await changing.change(ChangeType.REACT, emoji="😀")
    async with changing.meter.measure() as spent:
        await changing.change(ChangeType.REACT, emoji="😀")
        await changing.change(ChangeType.EDIT, text=TEXT, version=1)
    assert (spent.calls, spent.write_units, spent.read_units) == (["GetItem"] * 4, 0, 4), spent


async def test_an_edit_that_is_repeated_costs_3_read_units_and_2_write_units(changing: Changing) -> None:
    """The entry is read to compare its uuid; the rows are written again if they are behind, and refuse otherwise."""
    uuid = UUID(int=7)
    draft = ChangeDraft(changing.ann, changing.group, 1, ChangeType.EDIT, text="x", version=1, uuid=uuid)
    await changing.changes.edit(draft)
    async with changing.meter.measure() as spent:
        await changing.changes.edit(draft)
    assert (spent.write_units, spent.read_units) == (2, 3), spent


async def test_reactions_and_quotes_within_a_page_of_50_cost_nothing_more(changing: Changing) -> None:
    """Reactions of both members to every fifth message, and a reply to a message of the page in every tenth."""
    for number in range(2, 51):
        await changing.send(reply_to=number - 1 if number % 10 == 0 else None)
    catchup = Catchup(changing.store)
    async with changing.meter.measure() as plain:
        await changing.messaging.history(changing.bob, changing.group, Window.newest(50))
    for number in range(5, 51, 5):
        for user in (changing.ann, changing.bob):
            await changing.change(ChangeType.REACT, number, user=user, emoji="😀")
    async with changing.meter.measure() as spent:
        history = await changing.messaging.history(changing.bob, changing.group, Window.newest(50))
        quoted = await catchup.quoted(history.messages)
    assert (len(quoted), plain.read_units, spent.read_units) == (5, 2.5, 2.5), spent
    async with changing.meter.measure() as spent:
        await catchup.quoted([replace(history.messages[9], reply_to=1)])
    assert (spent.calls, spent.read_units) == (["BatchGetItem"], 0.5), "a message outside of the page"


async def test_a_reply_costs_its_sender_half_a_read_unit_and_those_that_hear_of_it_nothing(changing: Changing) -> None:
    draft = Draft(changing.bob, "reply", reply_to=1)
    async with changing.meter.measure() as spent:
        message = await changing.messaging.send(draft, group=changing.group, handle=None)
    assert (spent.write_units, spent.read_units) == (3, 1.5), spent
    assert message.quoted
    async with changing.meter.measure() as spent:
        quoted = await Catchup(changing.store).quoted([message])
    assert (spent.calls, quoted[changing.group, 1]) == ([], message.quoted)


async def test_changes_since_a_number_cost_half_a_read_unit_for_25(changing: Changing) -> None:
    for at in range(13):
        for kind in (ChangeType.REACT, ChangeType.UNREACT):
            await changing.change(kind, user=changing.bob if at % 2 else None, emoji="😀")
    async with changing.meter.measure() as spent:
        changes, end = await changing.changes.after(changing.ann, changing.group, 1, limit=50)
    assert (len(changes), end) == (25, 26)
    assert (spent.calls, spent.read_units) == (["GetItem", "Query"], 1 + 0.5), spent
    row = await changing.store.inbox_row(changing.ann, changing.group)
    assert row
    known = {changing.group: SyncCursor(row.last_number, row.version, 1)}
    async with changing.meter.measure() as spent:
        difference = await Catchup(changing.store).difference(changing.ann, known)
    assert (len(difference.changes), difference.rows) == (25, [])
    assert (spent.calls, spent.read_units) == (["Query", "Query"], 1 + 0.5), spent


async def test_the_earlier_texts_of_a_message_cost_half_a_read_unit_each(changing: Changing) -> None:
    for version in range(1, MAX_EDITS + 1):
        await changing.change(ChangeType.EDIT, text=f"{version}", version=version)
    async with changing.meter.measure() as spent:
        edits = await changing.changes.edits(changing.bob, changing.group, 1)
    assert len(edits) == MAX_EDITS
    assert (spent.calls, spent.read_units) == (["GetItem", "GetItem", "BatchGetItem"], 2 + MAX_EDITS / 2), spent
