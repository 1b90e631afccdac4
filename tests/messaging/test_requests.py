"""Requests: a stranger's first messages wait apart, and tell nothing of their receiver until that one accepts."""

from typing import Any
from uuid import UUID

import pytest

from app.concurrency import TaskSet
from app.gateways.dynamodb import Delete
from app.messaging import items
from app.messaging.catchup import Catchup
from app.messaging.clock import now
from app.messaging.errors import CannotMessage
from app.messaging.events import Event, GroupChanged, MarkerMoved, MessageAppended
from app.messaging.requests.service import Requests
from app.messaging.requests.store import MAX_MESSAGES
from app.realtime.bus import MemoryBus
from app.realtime.profiles import ProfileFanOut
from app.users.events import UserRenamed
from app.users.models import User
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_capacity import Metered

pytestmark = pytest.mark.strangers


async def put(person: Person, other: Person, what: str, **body: Any) -> Any:
    path = f"/api/message_groups/{person.group_with(other)}/{what}"
    answer = await person.client.put(path, json=body or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def folder(person: Person, name: str) -> list[dict[str, Any]]:
    return await person.get("/api/message_groups", folder=name)  # type: ignore[no-any-return]


async def counts(person: Person) -> tuple[int, int]:
    counter = await person.get("/api/messages/counter")
    return counter["count"], counter["request_count"]


async def markers(viewer: Person, other: Person) -> set[str]:
    """The members whose markers a member gets."""
    found = await viewer.get(f"/api/message_groups/{viewer.group_with(other)}/read")
    return {each["user_uuid"] for each in found}


async def test_a_first_message_waits_in_requests_and_its_sender_has_it_in_the_inbox(ann: Person, bob: Person) -> None:
    await ann.sent("hello", bob)
    assert [group["folder"] for group in await folder(ann, "inbox")] == ["inbox"]
    assert await folder(ann, "requests") == await folder(bob, "inbox") == []
    [request] = await folder(bob, "requests")
    assert (request["folder"], request["message"], request["unread_count"]) == ("requests", "hello", 1)
    assert (await counts(ann), await counts(bob)) == ((0, 0), (0, 1))
    await put(bob, ann, "read", number=1)
    assert await counts(bob) == (0, 0)
    assert len(await folder(bob, "requests")) == 1, "it waits for a decision, whatever is read"


@pytest.mark.parametrize("how", ["accept", "answer"])
async def test_acceptance_by_word_or_by_answer_opens_the_group_to_both(how: str, ann: Person, bob: Person) -> None:
    for text in ("one", "two", "three"):
        await ann.sent(text, bob)
    await put(bob, ann, "read", number=2)
    refused = await ann.send("four", bob)
    problem_of(refused, 403, "cannot-message")
    assert await ann.numbers(ann.group_with(bob)) == [1, 2, 3]
    assert await markers(ann, bob) == {str(ann.uuid)}
    if how == "accept":
        assert (await put(bob, ann, "accept"))["folder"] == "inbox"
    else:
        assert (await bob.sent("yes?", ann))["number"] == 4
    assert await folder(bob, "requests") == []
    assert [group["folder"] for group in await folder(bob, "inbox")] == ["inbox"]
    assert await markers(ann, bob) == {str(ann.uuid), str(bob.uuid)}
    for text in ("five", "six", "seven", "eight"):
        await ann.sent(text, bob)
    assert (await counts(bob))[1] == 0


async def test_accepting_again_or_what_is_no_request_changes_nothing(ann: Person, bob: Person, eve: Person) -> None:
    await ann.sent("hello", bob)
    first = await put(bob, ann, "accept")
    assert await put(bob, ann, "accept") == first
    assert await put(bob, ann, "decline") == first
    own = await put(ann, bob, "accept")
    assert (own["folder"], await put(ann, bob, "decline")) == ("inbox", own)
    for what in ("accept", "decline"):
        path = f"/api/message_groups/{ann.group_with(bob)}/{what}"
        problem_of(await eve.client.put(path), 404, "group-not-found")


async def test_a_requester_cannot_accept_for_the_receiver(ann: Person, bob: Person) -> None:
    for text in ("one", "two", "three"):
        await ann.sent(text, bob)
    await put(ann, bob, "accept")
    problem_of(await ann.send("four", bob), 403, "cannot-message")
    assert len(await folder(bob, "requests")) == 1


async def test_a_declined_request_does_not_come_back_and_its_sender_notices_nothing(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    before = await ann.inbox()
    for _ in range(2):
        assert (await put(bob, ann, "decline"))["state"] == "left"
    assert await ann.inbox() == before
    assert await markers(ann, bob) == {str(ann.uuid)}
    group = ann.group_with(bob)
    problem_of(await bob.client.get(f"/api/message_groups/{group}"), 404, "group-not-found")
    for text in ("two", "three"):
        await ann.sent(text, bob)
    assert await folder(bob, "requests") == await folder(bob, "inbox") == []
    assert await counts(bob) == (0, 0)
    problem_of(await ann.send("four", bob), 403, "cannot-message")
    sync = (await bob.client.post("/api/sync", json={"groups": {str(group): {"number": 0, "version": 0}}})).json()
    assert (sync["groups"], sync["messages"], sync["gone"]) == ([], [], [str(group)])
    assert (await bob.sent("after all", ann))["number"] == 4
    [row] = await folder(bob, "inbox")
    assert (row["folder"], row["state"], row["last_number"]) == ("inbox", "active", 4)
    assert (await ann.sent("thanks", bob))["number"] == 5
    assert await markers(ann, bob) == {str(ann.uuid), str(bob.uuid)}


async def test_two_users_that_write_to_each_other_first_accept_each_other(ann: Person, bob: Person) -> None:
    await ann.sent("hello", bob)
    await bob.sent("hello", ann)
    for person in (ann, bob):
        assert [group["folder"] for group in await folder(person, "inbox")] == ["inbox"]
        assert await folder(person, "requests") == []
    for person, other in ((ann, bob), (bob, ann)):
        for _ in range(4):
            await person.sent("more", other)


async def test_reactions_and_typing_of_a_requester_do_not_reach_the_receiver(ann: Person, bob: Person) -> None:
    await ann.sent("hello", bob)
    group = ann.group_with(bob)
    problem_of(await ann.client.put(f"/api/messages/{group}/1/reactions/👍"), 403, "cannot-message")
    for person in (ann, bob):
        answer = await person.client.post(f"/api/message_groups/{group}/typing")
        assert answer.status_code == 200, "which tells nothing of the request"
    edit = {"json": {"message": "hello!"}, "headers": {"if-match": '"1"'}}
    assert (await ann.client.patch(f"/api/messages/{group}/1", **edit)).status_code == 200  # type: ignore[arg-type]
    assert (await folder(bob, "requests"))[0]["message"] == "hello!"


async def test_leaving_a_request_declines_it(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    answer = await bob.client.delete(f"/api/message_groups/{ann.group_with(bob)}")
    assert answer.status_code == 200, answer.text
    await ann.sent("two", bob)
    assert await folder(bob, "requests") == await folder(bob, "inbox") == []
    await bob.sent("well", ann)
    assert len(await folder(bob, "inbox")) == 1


async def test_a_request_is_neither_archived_nor_accepted_by_a_view(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    for body in ({"is_archived": True}, {"is_marked_unread": True}, {"is_archived": False}):
        answer = await bob.client.patch(f"/api/message_groups/{ann.group_with(bob)}/view", json=body)
        assert answer.json()["folder"] == "requests"


async def test_a_request_of_a_user_that_is_erased_can_still_be_decided(service: Service) -> None:
    for decision in ("accept", "decline"):
        metered = Metered(service)
        requests = Requests(metered.messaging, metered.store, tasks=TaskSet())
        await metered.send()
        await metered.table.delete(Delete(items.inbox_key(metered.ann, metered.group)))
        row = await getattr(requests, decision)(metered.bob, metered.group)
        assert (row.is_request, row.is_active) == ((False, True) if decision == "accept" else (True, False))


async def test_a_new_name_of_the_receiver_does_not_reach_the_requester(service: Service) -> None:
    metered, bus = Metered(service), MemoryBus()
    requests = Requests(metered.messaging, metered.store, tasks=TaskSet())
    await metered.send()
    for is_accepted in (False, True):
        if is_accepted:
            await requests.accept(metered.bob, metered.group)
        async with bus.subscribe(metered.ann) as of_requester:
            renamed = UserRenamed(User(metered.bob, "bob", "Robert", "sub", now()))
            await ProfileFanOut(Catchup(metered.store), bus, TaskSet()).publish(renamed)
            assert (await of_requester.next(0) is not None) is is_accepted


class Heard:
    """The events that were published."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, *events: Event) -> None:
        self.events += events

    def to(self, user: UUID) -> list[tuple[str, Any]]:
        """Return the events of one user, which empties the list."""
        told = [event for event in self.events if event.to == user]
        self.events = [event for event in self.events if event.to != user]
        return [(event.kind, getattr(getattr(event, "row", None), "folder", None)) for event in told]


async def test_the_requester_hears_nothing_of_the_receiver_until_acceptance(service: Service) -> None:
    heard = Heard()
    metered = Metered(service, heard.publish)
    messaging = metered.messaging
    requests = Requests(messaging, metered.store, tasks=TaskSet(), publish=heard.publish)
    ann, bob, group = metered.ann, metered.bob, metered.group
    await metered.send()
    assert heard.to(ann) == [("message", "inbox")]
    assert heard.to(bob) == [("message", "requests")]
    await messaging.markers.mark_read(bob, group, 1)
    await messaging.markers.mark_delivered(bob, group, 1)
    for user in (ann, bob):
        await messaging.typing(user, group, is_typing=True)
    assert heard.to(ann) == []
    assert {kind for kind, _ in heard.to(bob)} == {"group", "read"}
    await requests.accept(bob, group)
    assert heard.to(ann) == [("read", None)], "the marker as it stands"
    assert heard.to(bob) == [("group", "inbox")]
    await messaging.markers.mark_read(ann, group, 1)
    await metered.send()
    assert heard.to(bob)[-1] == ("message", "inbox")


async def test_a_declined_request_is_silent_on_both_sides(service: Service) -> None:
    heard = Heard()
    metered = Metered(service, heard.publish)
    messaging = metered.messaging
    requests = Requests(messaging, metered.store, tasks=TaskSet(), publish=heard.publish)
    await metered.send()
    heard.events.clear()
    await requests.decline(metered.bob, metered.group)
    assert [(type(event), event.to) for event in heard.events] == [(GroupChanged, metered.bob)]
    heard.events.clear()
    await metered.send()
    assert [(type(event), event.to) for event in heard.events] == [(MessageAppended, metered.ann)]
    heard.events.clear()
    await metered.send(metered.bob)
    assert {(type(event), event.to) for event in heard.events} == {
        (MessageAppended, metered.ann),
        (MessageAppended, metered.bob),
    }
    assert not [event for event in heard.events if isinstance(event, MarkerMoved)]


async def test_what_requests_cost(service: Service) -> None:
    metered = Metered(service)
    requests = Requests(metered.messaging, metered.store, tasks=TaskSet())
    async with metered.meter.measure() as spent:
        await metered.send()
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (10, 2, 2), "as much as between contacts"
    for _ in range(MAX_MESSAGES - 1):
        async with metered.meter.measure() as spent:
            await metered.send()
        assert spent.calls == ["GetItem", "PutItem", "UpdateItem", "UpdateItem", "UpdateItem"]
        assert (spent.write_units, spent.read_units) == (4, 1), "the row in requests is written at the second attempt"
    async with metered.meter.measure() as spent:
        with pytest.raises(CannotMessage):
            await metered.send()
    assert (spent.calls, spent.write_units, spent.read_units) == (["GetItem", "Query"], 0, 2), spent
    async with metered.meter.measure() as spent:
        await requests.accept(metered.bob, metered.group)
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (6, 2, 2.5), spent
    async with metered.meter.measure() as spent:
        await requests.accept(metered.bob, metered.group)
    assert (spent.write_units, spent.read_units) == (0, 1.5), spent
    async with metered.meter.measure() as spent:
        await metered.send()
    assert spent.calls == ["GetItem", "PutItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.read_units) == (3, 1), spent


async def test_what_an_answer_and_a_decline_cost(service: Service) -> None:
    answered = Metered(service)
    await answered.send()
    async with answered.meter.measure() as spent:
        await answered.send(answered.bob)
    assert spent.calls == ["GetItem", "PutItem", "UpdateItem", "UpdateItem", "UpdateItem"]
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (6, 2, 1), spent
    metered = Metered(service)
    requests = Requests(metered.messaging, metered.store, tasks=TaskSet())
    await metered.send()
    async with metered.meter.measure() as spent:
        await requests.decline(metered.bob, metered.group)
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (2, 1, 1), spent
    async with metered.meter.measure() as spent:
        await requests.decline(metered.bob, metered.group)
    assert (spent.write_units, spent.read_units) == (0, 1), spent
    async with metered.meter.measure() as spent:
        await metered.send()
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (4, 0, 1), spent
    async with metered.meter.measure() as spent:
        await metered.send(metered.bob)
    assert (spent.write_units, spent.index_write_units, spent.read_units) == (5, 1, 1), spent
