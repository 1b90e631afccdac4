"""A member clears the history up to a number: those messages are not there for the member any more."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import pytest

from app.gateways.dynamodb import Update
from app.messaging import inbox_items, items
from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.errors import NumberBeyondEnd
from app.messaging.models import Change, ChangeType, Message
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.service import MyView
from app.messaging.windows import Window
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_capacity import Metered
from tests.messaging.test_change_capacity import Changing
from tests.messaging.test_my_view import change, counted


async def talked(ann: Person, bob: Person, count: int, **fields: Any) -> str:
    """Let Ann send messages to Bob, and return the group."""
    for number in range(1, count + 1):
        await ann.sent(f"message {number}", bob, **fields)
    return str(ann.group_with(bob))


async def test_cleared_messages_are_in_no_answer(ann: Person, bob: Person) -> None:
    group = await talked(ann, bob, 6)
    of_ann, before = await ann.inbox(), (await bob.inbox())[0]
    cleared = await change(bob, ann, cleared_number=4)
    assert cleared == before | {"cleared_number": 4, "unread_count": 2, "version": before["version"] + 1}
    assert await change(bob, ann, cleared_number=3) == cleared == (await bob.inbox())[0]
    for query in ({}, {"after": 1}, {"before": 7}, {"around": 5}, {"at": "first_unread"}, {"limit": 2}):
        assert await bob.numbers(group, **query) == [5, 6], query
    assert await bob.numbers(group, before=5) == await bob.numbers(group, around=1, limit=2) == []
    answer = await bob.client.get(f"/api/messages/{group}", params={"limit": 1})
    assert [each["number"] for each in answer.json()] == [6]
    older = await bob.client.get(answer.links["next"]["url"])
    assert [each["number"] for each in older.json()] == [5]
    assert "next" not in older.links
    path = f"/api/messages/{group}/4"
    for call in (
        bob.client.get(path),
        bob.client.get(f"{path}/edits"),
        bob.client.get(f"{path}/reactions"),
        bob.client.get(f"{path}/receipts"),
        bob.client.put(f"{path}/reactions/👍"),
        bob.client.delete(path, params={"for": "me"}),
        bob.client.delete(path),
    ):
        problem_of(await call, 404, "message-not-found")
    problem_of(await bob.send("re", group, reply_to=4), 422, "reply-beyond-end")
    synced = await bob.client.post("/api/sync", json={"groups": {group: {"number": 1, "version": 1}}})
    assert [each["number"] for each in synced.json()["messages"]] == [5, 6]
    assert (await ann.inbox(), await ann.numbers(group)) == (of_ann, [1, 2, 3, 4, 5, 6])


async def test_a_history_that_is_cleared_to_its_end_is_empty_and_goes_on(ann: Person, bob: Person) -> None:
    group = await talked(ann, bob, 3)
    await change(bob, ann, is_marked_unread=True)
    cleared = await change(bob, ann, cleared_number=3)
    assert (cleared["message"], cleared["unread_count"], cleared["is_marked_unread"]) == ("", 0, False)
    assert (cleared["last_number"], cleared["read_number"]) == (3, 0), "the other member's receipts stay as they are"
    assert (await bob.numbers(group), await counted(bob)) == ([], 0)
    assert (await bob.client.get(f"/api/messages/{group}")).links == {}
    await ann.sent("again", bob, reply_to=2)
    (message,) = await bob.get(f"/api/messages/{group}")
    assert (message["number"], message["message"], message["reply_to"], message["reply"]) == (4, "again", 2, None)
    assert (await ann.get(f"/api/messages/{group}"))[-1]["reply"]["message"] == "message 2"
    (row,) = await bob.inbox()
    assert (row["message"], row["unread_count"], await counted(bob)) == ("again", 1, 1)


async def test_a_change_of_a_cleared_message_brings_no_text_back(ann: Person, bob: Person) -> None:
    group = await talked(ann, bob, 2)
    await change(bob, ann, cleared_number=2)
    edit = await ann.client.patch(f"/api/messages/{group}/2", json={"message": "secret"}, headers={"if-match": '"1"'})
    assert edit.status_code == 200
    (row,) = await bob.inbox()
    assert (row["message"], row["change_number"]) == ("", 1)
    assert [each["message"] for each in await bob.get(f"/api/messages/{group}/changes")] == [None]
    known = {group: {"number": 2, "version": 1, "change_number": 0}}
    synced = await bob.client.post("/api/sync", json={"groups": known})
    assert "secret" not in synced.text
    assert [each["message"] for each in await ann.get(f"/api/messages/{group}/changes")] == ["secret"]


async def test_mentions_of_cleared_messages_do_not_count(ann: Person, bob: Person) -> None:
    await talked(ann, bob, 2, mentions=[str(bob.uuid)])
    assert (await bob.inbox())[0]["unread_mention_count"] == 2
    assert (await change(bob, ann, cleared_number=1))["unread_mention_count"] == 1


@pytest.mark.parametrize("number", [0, -1, 1.5, "1", True, 10**12])
async def test_a_wrong_number_is_refused(ann: Person, bob: Person, number: Any) -> None:
    group = await talked(ann, bob, 1)
    path = f"/api/message_groups/{group}/view"
    problem_of(await bob.client.patch(path, json={"cleared_number": number}), 422, "invalid-body")
    beyond = problem_of(await bob.client.patch(path, json={"cleared_number": 2}), 422, "number-beyond-end")
    assert beyond["errors"][0]["pointer"] == "/cleared_number"
    problem_of(await bob.client.patch(path, json={"cleared_number": 2, "is_archived": True}), 422, "number-beyond-end")
    assert (await bob.inbox())[0]["folder"] == "inbox"


async def test_an_export_has_what_is_left(ann: Person, bob: Person) -> None:
    await talked(ann, bob, 3)
    await change(bob, ann, cleared_number=2)
    answer = await bob.client.get("/api/users/me/export")
    assert ("message 2" in answer.text, "message 3" in answer.text) == (False, True)


async def test_a_row_that_is_behind_its_log_is_brought_up_first(service: Service) -> None:
    """The process of a send has ended between commit and projection."""
    metered = Metered(service)
    await metered.send()
    await metered.store.append_message(Message(metered.group, 2, uuid4(), metered.bob, "late", metered.at))
    view = MyView(metered.messaging, metered.store)
    row = await view.change(metered.ann, metered.group, ViewChange(cleared_number=2))
    assert (row.last_number, row.cleared_number, row.preview) == (2, 2, "")
    with pytest.raises(NumberBeyondEnd):
        await view.change(metered.ann, metered.group, ViewChange(cleared_number=3))


async def test_clearing_costs_a_read_and_a_write_and_history_only_what_is_left(service: Service) -> None:
    metered = Metered(service)
    for _ in range(60):
        await metered.send()
    view = MyView(metered.messaging, metered.store)
    for units in (1, 0):
        async with metered.meter.measure() as spent:
            await view.change(metered.bob, metered.group, ViewChange(cleared_number=60))
        assert (spent.write_units, spent.index_write_units, spent.read_units) == (units, 0, 1), spent
    async with metered.meter.measure() as spent:
        assert (await metered.messaging.history(metered.bob, metered.group, Window.newest(50))).messages == []
    assert spent.read_units == 1.5, spent
    await metered.send()
    async with metered.meter.measure() as spent:
        assert len((await metered.messaging.history(metered.bob, metered.group, Window.newest(50))).messages) == 1
    assert spent.read_units == 1.5, spent


@pytest.mark.parametrize("seed", range(4))
async def test_a_clearing_that_races_with_edits_never_ends_with_a_text(service: Service, seed: int) -> None:
    """The last message is edited while it is cleared: whichever write comes first, the preview is empty."""
    rng = random.Random(seed)  # noqa: S311  # repeatable
    changing = Changing(service)
    await changing.send()
    view = MyView(changing.messaging, changing.store)

    async def clear() -> None:
        await asyncio.sleep(rng.random() / 50)
        await view.change(changing.bob, changing.group, ViewChange(cleared_number=1))

    await asyncio.gather(clear(), changing.change(ChangeType.EDIT, text="secret", version=1))
    row = await changing.messaging.group(changing.bob, changing.group)
    assert (row.preview, row.change_number, row.cleared_number) == ("", 1, 1)
    missing = await Catchup(changing.store).difference(changing.bob, {changing.group: SyncCursor(0, 0, 0)})
    assert (missing.messages, [each.text for each in missing.changes]) == ([], [None])


async def test_an_update_that_was_made_before_the_clearing_fails(service: Service) -> None:
    """The same race, step by step: the message was read as visible, then the row is cleared."""
    changing = Changing(service)
    await changing.send()
    message = await changing.store.message(changing.group, 1)
    assert isinstance(message, Message)
    key = items.inbox_key(changing.bob, changing.group)
    await changing.table.update(Update(key, "SET #cleared = :n, #text = :none", {":n": 1, ":none": ""}))
    edit = Change(changing.group, 1, uuid4(), changing.ann, changing.at, ChangeType.EDIT, 1, text="secret", version=2)
    await changing.store.changes.append(edit)
    await changing.store.changes.apply(edit, message)
    changed = await changing.store.message(changing.group, 1)
    assert isinstance(changed, Message)
    row = await changing.messaging.group(changing.ann, changing.group)
    await changing.messaging.rows.advance(edit, changed, row)
    stored = await changing.table.get(key, consistent=True)
    assert stored is not None
    assert (inbox_items.to_inbox_row(stored).preview, inbox_items.to_inbox_row(stored).change_number) == ("", 1)
