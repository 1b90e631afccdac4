"""Mentions: members only, part of the content that a uuid stands for, and counted as they stand."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.gateways.dynamodb import Update, marshal_item
from app.messaging import inbox_items, inbox_writes, items
from app.messaging.clock import now
from app.messaging.mention_store import MAX_MENTIONS_KEPT
from app.messaging.models import ChangeType, Message
from app.messaging.row_models import MAX_MENTIONS_COUNTED, InboxRow
from app.messaging.windows import Window
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_change_capacity import CHANGE, Changing, changing  # noqa: F401  # a fixture
from tests.messaging.test_changes import edit, place_of, stored
from tests.tools.capacity_rules import item_size


async def unread_mentions(person: Person) -> int:
    (group,) = await person.inbox()
    return int(group["unread_mention_count"])


def of(*people: Person) -> list[str]:
    return [str(person.uuid) for person in people]


async def test_a_mention_is_shown_by_the_present_name_of_the_member(ann: Person, bob: Person) -> None:
    message = await ann.sent("@bob, look", bob, mentions=of(bob))
    mention = {"user_uuid": str(bob.uuid), "display_name": bob.display_name, "handle": bob.handle}
    assert message["mentions"] == [mention]
    await bob.client.patch("/api/users/me", json={"display_name": "Robert"})
    for person in (ann, bob):
        (read,) = await person.get(f"/api/messages/{message['message_group_uuid']}")
        assert read["mentions"] == [mention | {"display_name": "Robert"}]


async def test_only_members_can_be_mentioned(ann: Person, bob: Person, eve: Person) -> None:
    for to in (bob, bob):  # the first message of the group, and another one
        for mentions in (of(eve), of(bob, eve), [str(uuid4())]):
            refused = await ann.send("hi", to, mentions=mentions)
            problem = problem_of(refused, 422, "mention-not-member")
            assert problem["errors"][0]["pointer"] == "/mentions"
        await ann.sent("hi", bob, mentions=of(ann, bob))
    message = await ann.sent("hi", bob)
    problem_of(await edit(ann, message, "hi!", mentions=of(eve)), 422, "mention-not-member")


@pytest.mark.parametrize("mentions", ["x", ["x"], [None], [1], [str(uuid4()) for _ in range(101)], "twice"])
async def test_a_list_of_mentions_has_100_distinct_ids_at_most(ann: Person, bob: Person, mentions: Any) -> None:
    wrong = of(bob, bob) if mentions == "twice" else mentions
    problem_of(await ann.send("hi", bob, mentions=wrong), 422, "invalid-body")


async def test_mentions_are_part_of_what_a_uuid_stands_for(ann: Person, bob: Person) -> None:
    uuid = str(uuid4())
    first = await ann.sent("hi", bob, uuid=uuid, mentions=of(ann, bob))
    again = await ann.sent("hi", bob, uuid=uuid, mentions=of(bob, ann))
    assert first == again
    for mentions in ([], of(bob)):
        problem_of(await ann.send("hi", bob, uuid=uuid, mentions=mentions), 409, "uuid-taken")
    edited = str(uuid4())
    answers = [(await edit(ann, first, "hi!", uuid=edited, mentions=of(bob))).json() for _ in range(2)]
    assert answers[0] == answers[1]
    problem_of(await edit(ann, first, "hi!", uuid=edited, mentions=of(ann)), 409, "uuid-taken")
    assert (await ann.sent("hi", bob, uuid=uuid, mentions=of(ann, bob)))["message"] == "hi!"


async def test_an_edit_without_mentions_keeps_them(ann: Person, bob: Person) -> None:
    message = await ann.sent("hi", bob, mentions=of(bob))
    assert (await edit(ann, message, "hi!")).json()["mentions"] == message["mentions"]
    changed = (await edit(ann, message, "hi!", version=2, mentions=[])).json()
    assert (changed["mentions"], changed["version"]) == ([], 3), "other mentions of the same text are an edit"
    assert (await edit(ann, message, "hi!", version=3, mentions=[])).json()["version"] == 3
    changes = await bob.get(f"/api/messages/{message['message_group_uuid']}/changes")
    assert [change["mentions"] for change in changes] == [of(bob), []]


async def test_unread_mentions_are_counted_as_they_stand(ann: Person, bob: Person) -> None:
    first = await ann.sent("1", bob, mentions=of(ann, bob))
    group = first["message_group_uuid"]
    second, third = [await ann.sent(text, bob, mentions=of(bob)) for text in "23"]
    fourth = await ann.sent("4", bob)
    assert (await unread_mentions(bob), await unread_mentions(ann)) == (3, 0)
    await edit(ann, fourth, "4, @bob", mentions=of(bob))
    assert await unread_mentions(bob) == 4, "edited in"
    await edit(ann, third, "3, nobody", mentions=[])
    assert await unread_mentions(bob) == 3, "edited out"
    await ann.client.delete(place_of(second))
    assert await unread_mentions(bob) == 2, "deleted"
    await bob.client.put(f"/api/message_groups/{group}/read", json={"number": 1})
    assert await unread_mentions(bob) == 1, "read"
    await edit(ann, first, "1!", mentions=of(bob))
    assert await unread_mentions(bob) == 1, "read before it was edited"
    await bob.sent("5", ann, mentions=of(bob))
    assert (await unread_mentions(bob), await unread_mentions(ann)) == (0, 0)


async def test_a_deletion_takes_the_mentions_from_the_table(ann: Person, bob: Person, service: Service) -> None:
    message = await ann.sent("hi", bob, mentions=of(bob))
    await edit(ann, message, "hi!", mentions=of(ann, bob))
    deleted = (await ann.client.delete(place_of(message))).json()
    assert deleted["mentions"] == []
    assert not [item for item in await stored(service, message) if "mentions" in item]


async def sent(changing: Changing, number: int, *, mentions: bool = True) -> Message:  # noqa: F811
    """Append a message of Ann's for Bob and nothing else, like a process that dies right after the commit."""
    mentioned = frozenset({changing.bob} if mentions else ())
    message = Message(changing.group, number, uuid4(), changing.ann, "hi", now(), mentions=mentioned)
    await changing.store.append_message(message)
    return message


async def row_of(changing: Changing) -> InboxRow:  # noqa: F811
    row = await changing.store.inbox_row(changing.bob, changing.group)
    assert row
    return row


async def test_a_row_that_is_moved_past_messages_gets_their_mentions(changing: Changing) -> None:  # noqa: F811
    """Processes end between commit and projection, and their clients never try again."""
    for number in (2, 3, 4):
        await sent(changing, number, mentions=number != 3)
    await changing.send()
    assert (await row_of(changing)).unread_mentions == [2, 4]
    last = await sent(changing, 6)
    await changing.messaging.history(changing.bob, changing.group, Window.newest(1))
    await changing.messaging.markers.mark_read(changing.bob, changing.group, 5)
    await changing.store.advance_inbox_row(last, user=changing.bob)
    assert (await row_of(changing)).unread_mentions == [6]


async def test_a_projection_that_comes_late_does_not_bring_back_what_was_edited_out(changing: Changing) -> None:  # noqa: F811
    late = await sent(changing, 2)
    await changing.send()
    await changing.change(ChangeType.EDIT, 2, text="no", version=1, mentions=frozenset())
    assert (await row_of(changing)).unread_mentions == []
    await changing.store.advance_inbox_row(late, user=changing.bob)
    assert (await row_of(changing)).unread_mentions == []


async def test_a_row_whose_mentions_were_not_all_added_gets_them_with_a_repeated_projection(
    changing: Changing,  # noqa: F811
) -> None:
    for number in (2, 3):
        await sent(changing, number)
    last = await sent(changing, 4)
    await changing.store._table.update(inbox_writes.advance_inbox_row(last, user=changing.bob))  # noqa: SLF001  # it dies here
    assert (await row_of(changing)).unread_mentions == [4]
    await changing.store.advance_inbox_row(last, user=changing.bob)
    assert (await row_of(changing)).unread_mentions == [2, 3, 4]


async def test_a_row_keeps_the_newest_mentions_and_stays_short(changing: Changing) -> None:  # noqa: F811
    """With what is read it is cut once in a while only."""
    trims = 0
    for number in range(2, 60):
        async with changing.meter.measure() as spent:
            await changing.send(mentions=frozenset({changing.bob}))
        trims += len(spent.calls) - 4
        row = await row_of(changing)
        assert len(row.mentioned) <= MAX_MENTIONS_KEPT
        assert row.unread_mentions == [*range(2, number + 1)][-MAX_MENTIONS_COUNTED:]
    assert trims == (58 - MAX_MENTIONS_COUNTED) // (MAX_MENTIONS_KEPT - MAX_MENTIONS_COUNTED + 1)
    await changing.messaging.markers.mark_read(changing.bob, changing.group, 50)
    assert (await row_of(changing)).unread_mentions == [*range(51, 60)]
    for number in range(2, 60):
        await changing.change(ChangeType.EDIT, number, text="no", version=1, mentions=frozenset())
    assert (await row_of(changing)).mentioned == frozenset()


async def test_a_mention_costs_a_send_nothing(changing: Changing) -> None:  # noqa: F811
    both = frozenset({changing.ann, changing.bob})
    async with changing.meter.measure() as spent:
        await changing.send(mentions=both)
    assert spent.calls == ["GetItem", "PutItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (3, 0, 1), spent
    for version, mentions in enumerate((frozenset(), both), 1):
        async with changing.meter.measure() as spent:
            await changing.change(ChangeType.EDIT, 2, text="x", version=version, mentions=mentions)
        assert (spent.calls, spent.write_units, spent.read_units) == (CHANGE, 4, 2), spent


async def test_a_first_message_with_a_mention_costs_what_one_without_costs(service: Service) -> None:
    metered = Changing(service)
    async with metered.meter.measure() as spent:
        await metered.send(mentions=frozenset({metered.bob}))
    assert spent.calls == ["GetItem", "GetItem", "TransactWriteItems"]
    assert (spent.write_units, spent.read_units) == (10, 2), spent
    assert (await row_of(metered)).unread_mentions == [1]


async def test_a_mention_that_was_moved_past_costs_a_read_and_a_write(changing: Changing) -> None:  # noqa: F811
    skipped = await sent(changing, 2)
    newest = await sent(changing, 3, mentions=False)
    async with changing.meter.measure() as spent:
        await changing.store.advance_inbox_row(newest, user=changing.bob)
    assert (spent.calls, spent.write_units, spent.read_units) == (["UpdateItem", "Query", "UpdateItem"], 2, 1), spent
    async with changing.meter.measure() as spent:
        await changing.store.advance_inbox_row(skipped, user=changing.bob)
    assert (spent.calls, spent.write_units, spent.read_units) == (["UpdateItem"], 1, 0), spent


async def test_the_longest_row_takes_one_write_unit(service: Service) -> None:
    """Twelve digits, the longest preview and the most numbers that a row keeps."""
    metered = Changing(service)
    end = 10**12 - 1
    await metered.send()
    numbers = frozenset(range(end - MAX_MENTIONS_KEPT, end - 1))
    key = items.inbox_key(metered.bob, metered.group)
    update = Update(key, "SET #mentioned = :numbers, #last = :last", {":numbers": numbers, ":last": end - 1})
    await service.state["table"].update(update)
    message = Message(metered.group, end, uuid4(), metered.ann, "ü" * 200, now(), mentions=frozenset({metered.bob}))
    async with metered.meter.measure() as spent:
        row = await metered.store.advance_inbox_row(message, user=metered.bob)
    assert row
    assert len(row.mentioned) == MAX_MENTIONS_KEPT
    assert (spent.write_units, spent.read_units) == (1, 0), spent


async def test_mentions_are_read_with_the_newest_messages_only(service: Service) -> None:
    """A gap of any length is searched for at most 100 messages: the count is exact again after they are read."""
    metered = Changing(service)
    await metered.send()
    for number in range(2, 106):
        newest = await sent(metered, number)
    async with metered.meter.measure() as spent:
        row = await metered.store.advance_inbox_row(newest, user=metered.bob)
    assert row
    assert len(row.unread_mentions) == MAX_MENTIONS_COUNTED
    assert spent.calls == ["UpdateItem", "Query", "UpdateItem", "UpdateItem"]


@pytest.mark.parametrize(("digits", "more"), [(4, 108), (12, 204)])
def test_a_row_with_the_most_mentions_is_that_much_longer(digits: int, more: int) -> None:
    end = 10**digits - 1
    row = InboxRow(uuid4(), uuid4(), uuid4(), end, now(), uuid4(), "x", end - 30, 1)
    plain = marshal_item(inbox_items.inbox_item(row))
    longest = replace(row, mentioned=frozenset(range(end - MAX_MENTIONS_KEPT, end)))
    assert item_size(marshal_item(inbox_items.inbox_item(longest))) - item_size(plain) == more
