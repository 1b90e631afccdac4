"""Blocks: both directions stop at once, whatever is on its way, and the other is told nothing."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.errors import AppError, Unavailable
from app.gateways.dynamodb import Table
from app.messaging.block_store import Relation
from app.messaging.blocks import Blocks
from app.messaging.clock import now
from app.messaging.errors import CannotMessage
from app.messaging.events import Event, UserBlocked
from app.messaging.models import Block, Draft, Message, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from tests.fixtures.app import Person, Service
from tests.http.problem import anonymised, problem_of
from tests.messaging.test_capacity import Metered
from tests.messaging.test_change_properties import DyingClient
from tests.tools.processes import DIRECTORY, raw_client


async def block(person: Person, other: Person, method: str = "PUT") -> dict[str, Any]:
    answer = await person.client.request(method, f"/api/users/@{other.handle}/block")
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def test_both_directions_stop_with_one_answer_and_history_stays(ann: Person, bob: Person) -> None:
    first = await ann.sent("hello", bob)
    group = first["message_group_uuid"]
    answer = await block(bob, ann)
    assert (answer["user_uuid"], answer["handle"]) == (str(ann.uuid), ann.handle)
    assert answer["blocked_at"]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/messages", {"json": {"message": "x", "message_group_uuid": group}}),
        ("POST", f"/api/message_groups/{group}/typing", {}),
        ("PUT", f"/api/messages/{group}/1/reactions/👍", {}),
    ]
    for method, path, more in calls:
        refused = [await person.client.request(method, path, **more) for person in (ann, bob)]
        assert problem_of(refused[0], 403, "cannot-message")
        assert anonymised(refused[0]) == anonymised(refused[1])
    for person, other in ((ann, bob), (bob, ann)):
        problem_of(await person.send("x", other), 403, "cannot-message")
        assert await person.numbers(group) == [1]
    edit = {"json": {"message": "x"}, "headers": {"if-match": '"1"'}}
    problem_of(await ann.client.patch(f"/api/messages/{group}/1", **edit), 403, "cannot-message")  # type: ignore[arg-type]
    await block(bob, ann, "DELETE")
    assert (await ann.sent("again", bob))["number"] == 2
    assert (await bob.sent("well", ann))["number"] == 3


async def test_a_block_is_repeated_listed_and_ended(ann: Person, bob: Person, eve: Person) -> None:
    assert await ann.get("/api/users/me/blocks") == []
    blocks = [await block(ann, other) for other in (bob, bob, eve)]
    assert blocks[0] == blocks[1]
    listed = sorted((blocks[0], blocks[2]), key=lambda each: str(each["user_uuid"]))
    assert await ann.get("/api/users/me/blocks") == listed
    page = await ann.client.get("/api/users/me/blocks", params={"limit": 1})
    assert page.json() == listed[:1]
    rest = await ann.client.get(page.links["next"]["url"])
    assert (rest.json(), rest.links) == (listed[1:], {})
    assert await bob.get("/api/users/me/blocks") == []
    for _ in range(2):
        assert (await block(ann, bob, "DELETE"))["blocked_at"] is None
    assert [each["user_uuid"] for each in await ann.get("/api/users/me/blocks")] == [str(eve.uuid)]
    problem_of(await ann.client.put(f"/api/users/@{ann.handle}/block"), 422, "block-self")
    problem_of(await ann.client.put("/api/users/@not_there/block"), 404, "user-not-found")


async def test_two_without_a_group_cannot_start_one(ann: Person, bob: Person) -> None:
    await block(ann, bob)
    refused = [await ann.send("x", bob), await bob.send("x", ann)]
    problem_of(refused[0], 403, "cannot-message")
    assert anonymised(refused[0]) == anonymised(refused[1])
    assert await bob.inbox() == []
    await block(ann, bob, "DELETE")
    assert (await bob.sent("x", ann))["number"] == 1


async def test_the_blocked_is_told_nothing(ann: Person, bob: Person) -> None:
    await ann.sent("hello", bob)
    group = ann.group_with(bob)
    await ann.sent("and more", bob)
    await bob.client.put(f"/api/message_groups/{group}/delivered", json={"number": 1})
    (before,) = await ann.inbox()
    await block(bob, ann)
    assert await ann.inbox() == [before]
    (own,) = await bob.inbox()
    assert (own["blocked_at"] is None, before["blocked_at"]) == (False, None)
    await bob.client.put(f"/api/message_groups/{group}/read", json={"number": 2})
    assert await markers_of(ann, group) == {str(ann.uuid): (2, 2), str(bob.uuid): (0, 1)}
    await block(bob, ann, "DELETE")
    assert await markers_of(ann, group) == {str(ann.uuid): (2, 2), str(bob.uuid): (2, 2)}


async def markers_of(person: Person, group: UUID) -> dict[str, tuple[int, int]]:
    markers = await person.get(f"/api/message_groups/{group}/read")
    return {each["user_uuid"]: (each["number"], each["delivered_number"]) for each in markers}


async def test_a_send_that_was_stored_before_a_block_may_be_repeated_after_it(ann: Person, bob: Person) -> None:
    await ann.sent("hello", bob)
    stored = await ann.sent("once", bob, uuid=str(uuid4()), after=1)
    await block(bob, ann)
    again = await ann.send("once", bob, uuid=stored["uuid"], after=1)
    assert (again.status_code, again.json()["number"]) == (200, 2)
    problem_of(await ann.send("twice", bob, uuid=str(uuid4()), after=1), 403, "cannot-message")


@pytest.mark.parametrize("first", ["ann", "bob"])
async def test_a_block_of_both_ends_when_both_have_ended_theirs(ann: Person, bob: Person, first: str) -> None:
    await ann.sent("hello", bob)
    await asyncio.gather(block(ann, bob), block(bob, ann))
    one, other = (ann, bob) if first == "ann" else (bob, ann)
    await block(one, other, "DELETE")
    for person, peer in ((ann, bob), (bob, ann)):
        problem_of(await person.send("x", peer), 403, "cannot-message")
    await block(other, one, "DELETE")
    assert (await ann.sent("x", bob))["number"] == 2


async def test_pages_do_not_show_where_a_group_is_blocked(ann: Person, bob: Person) -> None:
    for number in range(5):
        await ann.sent(f"{number}", bob)
    group = ann.group_with(bob)
    windows: list[dict[str, int]] = [{"limit": 3}, {"after": 3}, {"before": 5, "limit": 2}, {"around": 5, "limit": 3}]
    before = [await bob.numbers(group, **window) for window in windows]
    await block(bob, ann)
    assert [await bob.numbers(group, **window) for window in windows] == before
    problem_of(await ann.client.get(f"/api/messages/{group}/6"), 404, "message-not-found")
    read = {"json": {"number": 6}}
    problem_of(await ann.client.put(f"/api/message_groups/{group}/read", **read), 422, "number-beyond-end")  # type: ignore[arg-type]
    deleted = await ann.client.delete(f"/api/messages/{group}/5")
    assert deleted.status_code == 200, "one's own words can be taken back"


class World:
    """Two users, and two processes that serve them, with faults."""

    def __init__(self, service: Service, seed: int, share: float) -> None:
        self._service = service
        self.rng = random.Random(seed)  # noqa: S311  # repeatable
        self._share = share
        self.pair = uuid4(), uuid4()
        self.group = direct_group_uuid(*self.pair)
        self.store = MessagingStore(service.state["table"])
        self.tasks = TaskSet()
        self.processes = [self.process()[1:] for _ in range(2)]

    def process(self, calls: int = 10**6) -> tuple[DyingClient, Messaging, Blocks]:
        client = DyingClient(raw_client(self._service), calls=calls, share=self._share, seed=self.rng.randrange(2**32))
        named: Any = client
        store = MessagingStore(Table(named, self._service.state["table"].name))
        messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=self.tasks)
        return client, messaging, Blocks(store, DIRECTORY, tasks=self.tasks)

    async def repeat(self, call: Callable[[Messaging, Blocks], Awaitable[Any]]) -> Any:
        for _ in range(40):
            try:
                return await call(*self.rng.choice(self.processes))
            except Unavailable:
                await asyncio.sleep(0)
        raise AssertionError("never answered")

    def send(self, user: UUID, text: str = "x") -> Awaitable[Message]:
        draft, peer = Draft(user, text, uuid4(), 0), self.pair[user == self.pair[0]]
        return self.repeat(lambda messaging, _: messaging.send(draft, group=None, handle=str(peer)))

    def block(self, user: UUID) -> Awaitable[Block]:
        peer = self.pair[user == self.pair[0]]
        return self.repeat(lambda _, blocks: blocks.block(user, str(peer)))

    def unblock(self, user: UUID) -> Awaitable[UUID]:
        peer = self.pair[user == self.pair[0]]
        return self.repeat(lambda _, blocks: blocks.unblock(user, str(peer)))

    async def check(self) -> Relation:
        """Whatever has happened: rows and fence say what the blocks say."""
        relation = await self.store.blocks.relation(*self.pair)
        is_blocked = relation.own is not None or relation.is_blocked_by_other
        assert relation.has_fence is is_blocked
        for row, peer in relation.rows:
            has_own = relation.own is not None if row is relation.row else relation.is_blocked_by_other
            assert (row.is_blocked, row.blocked_at is not None) == (is_blocked, has_own)
            assert (row.peer_read is not None) is is_blocked
            assert peer.group_uuid == self.group
        return relation


@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.2]), is_started=st.booleans(), sends=st.integers(1, 8))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_message_is_committed_after_a_block_was_answered(
    service: Service, seed: int, share: float, is_started: bool, sends: int
) -> None:
    """Sends of both are on their way in two processes while one of them blocks."""
    world = World(service, seed, share)
    if is_started:
        await world.send(world.pair[0])

    async def send(user: UUID) -> Message | None:
        await asyncio.sleep(world.rng.random() / 50)
        try:
            return await world.send(user)
        except CannotMessage:
            return None

    async def blocked() -> int:
        await asyncio.sleep(world.rng.random() / 50)
        await world.block(world.pair[1])
        newest = await world.store.newest_messages(world.group, limit=1, consistent=True)
        return newest[0].number if newest else 0

    end, sent = await asyncio.gather(blocked(), asyncio.gather(*(send(world.pair[at % 2]) for at in range(sends))))
    messages = await world.store.messages_after(world.group, 0)
    assert [message.number for message in messages] == list(range(1, end + 1))
    answered = {message.number for message in sent if message}
    assert answered <= set(range(1, end + 1)), "what was answered is there, and nothing after the block"
    await world.check()
    for user in world.pair:
        with pytest.raises(CannotMessage):
            await world.send(user)
    await world.unblock(world.pair[1])
    assert (await world.send(world.pair[1])).number == end + 1
    await world.tasks.drain(5)


@given(
    scripts=st.tuples(*(st.lists(st.sampled_from(["block", "unblock", "send"]), max_size=5) for _ in range(4))),
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_blocks_of_both_at_the_same_time_leave_what_the_last_answers_say(
    service: Service, scripts: tuple[list[str], ...], seed: int, share: float
) -> None:
    """Each user has two devices; the calls of a user's last device come after those of the first."""
    world = World(service, seed, share)
    if seed % 2:
        await world.send(world.pair[0])

    async def device(user: UUID, script: list[str]) -> str:
        last = "unblock"
        for step in script:
            if step == "send":
                try:
                    await world.send(user)
                except CannotMessage:
                    continue
            else:
                await (world.block(user) if step == "block" else world.unblock(user))
                last = step
        return last

    async def person(user: UUID, one: list[str], other: list[str]) -> str:
        await device(user, one)
        return await device(user, [*other, "unblock"] if not {"block", "unblock"} & {*other} else other)

    last = await asyncio.gather(*(person(user, scripts[at], scripts[at + 2]) for at, user in enumerate(world.pair)))
    relation = await world.check()
    assert [relation.own is not None, relation.is_blocked_by_other] == [each == "block" for each in last]
    numbers = [message.number for message in await world.store.messages_after(world.group, 0)]
    assert numbers == list(range(1, len(numbers) + 1))
    await world.tasks.drain(5)


@pytest.mark.parametrize("calls", range(1, 9))
@pytest.mark.parametrize("is_unblock", [False, True])
async def test_a_process_that_dies_during_a_block_leaves_all_of_it_or_nothing(
    service: Service, calls: int, is_unblock: bool
) -> None:
    world = World(service, calls, 0)
    await world.send(world.pair[0])
    if is_unblock:
        await world.block(world.pair[0])
    client, _, blocks = world.process(calls)
    method = blocks.unblock if is_unblock else blocks.block
    call = asyncio.ensure_future(method(world.pair[0], str(world.pair[1])))
    death = asyncio.ensure_future(client.died.wait())
    await asyncio.wait([call, death], return_when=asyncio.FIRST_COMPLETED)
    for each in (call, death):
        each.cancel()
    await asyncio.gather(call, death, return_exceptions=True)
    await world.tasks.drain(0)
    world.tasks = TaskSet()
    await world.check()


async def test_a_send_that_has_read_its_row_before_the_block_is_refused(service: Service) -> None:
    """The process has seen an open row, and holds the group's lock; the block comes between row and commit."""
    world = World(service, 1, 0)
    await world.send(world.pair[0])
    client: Any = raw_client(service)
    read, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            method = getattr(client, name)

            async def call(**request: Any) -> Any:
                if name == "put_item":
                    read.set()
                    await go_on.wait()
                return await method(**request)

            call.__name__ = name
            return call

    slow: Any = Slow()
    store = MessagingStore(Table(slow, service.state["table"].name))
    messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=world.tasks)
    send = asyncio.create_task(messaging.send(Draft(world.pair[0], "late", uuid4()), group=world.group, handle=None))
    await read.wait()
    await world.block(world.pair[1])
    go_on.set()
    with pytest.raises(CannotMessage):
        await send
    assert [each.text for each in await world.store.messages_after(world.group, 0)] == ["x"]
    assert (await world.check()).end == 1


async def test_only_the_user_who_blocks_hears_of_it_and_nothing_of_one_reaches_the_other(service: Service) -> None:
    events: list[Event | UserBlocked] = []

    async def publish(*published: Event | UserBlocked) -> None:
        events.extend(published)

    store, tasks = MessagingStore(service.state["table"]), TaskSet()
    messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks, publish=publish)
    blocks = Blocks(store, DIRECTORY, tasks=tasks, publish=publish)
    ann, bob = uuid4(), uuid4()
    group = direct_group_uuid(ann, bob)
    await messaging.send(Draft(ann, "x"), group=None, handle=str(bob))
    for method in (blocks.block, blocks.unblock):
        events.clear()
        await method(ann, str(bob))
        told = [event for event in events if not isinstance(event, UserBlocked)]
        assert [(event.kind, event.to) for event in told] == [("group", ann)]
        assert [event for event in events if event not in told] == [UserBlocked(ann, bob)] * (method == blocks.block)
    await blocks.block(ann, str(bob))
    events.clear()
    await messaging.markers.mark_read(bob, group, 1)
    with pytest.raises(CannotMessage):
        await messaging.typing(bob, group, is_typing=True)
    assert {event.to for event in events if not isinstance(event, UserBlocked)} == {bob}


async def test_what_blocks_cost(service: Service) -> None:
    metered = Metered(service)
    blocks = Blocks(metered.store, DIRECTORY, tasks=TaskSet())
    await metered.send()
    for is_first in (True, False):
        async with metered.meter.measure() as spent:
            await blocks.block(metered.ann, str(metered.bob))
        assert (spent.write_units, spent.read_units) == (8 * is_first, 6), spent
    for sender in (metered.ann, metered.bob):
        async with metered.meter.measure() as spent:
            with pytest.raises(CannotMessage):
                await metered.messaging.send(Draft(sender, "x"), group=metered.group, handle=None)
        assert (spent.calls, spent.read_units, spent.write_units) == (["GetItem"], 1, 0), spent
    async with metered.meter.measure() as spent:
        window = await metered.messaging.history(metered.ann, metered.group, Window.newest(50))
    assert len(window.messages) == 1
    assert spent.read_units == 2, spent
    for is_first in (True, False):
        async with metered.meter.measure() as spent:
            await blocks.unblock(metered.ann, str(metered.bob))
        assert (spent.write_units, spent.read_units) == (10 * is_first, 6), spent
    async with metered.meter.measure() as spent:
        await metered.send()
    assert (spent.write_units, spent.read_units) == (3, 1), spent


async def test_a_first_message_that_a_block_refuses_costs_both_the_same(service: Service) -> None:
    metered = Metered(service)
    await metered.store.blocks.block(Block(metered.ann, metered.bob, now()))
    costs = []
    for sender in (metered.ann, metered.bob):
        async with metered.meter.measure() as spent:
            with pytest.raises(AppError):
                await metered.send(sender)
        costs.append((spent.calls, spent.write_units, spent.read_units))
    assert costs[0] == costs[1]
