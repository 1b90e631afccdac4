"""Requests and what happens at the same time: sends, decisions, blocks, and the end of a process at any write."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.errors import AppError, Unavailable
from app.gateways.dynamodb import Table
from app.messaging.blocks import Blocks
from app.messaging.errors import CannotMessage, GroupNotFound
from app.messaging.events import Event, MarkerMoved, TypingChanged
from app.messaging.models import Draft, Message, direct_group_uuid
from app.messaging.requests.service import Requests
from app.messaging.requests.store import MAX_MESSAGES, Standing
from app.messaging.row_models import Folder, InboxRow, MemberState
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.fixtures.app import Service
from tests.messaging.test_change_properties import DyingClient
from tests.tools.processes import DIRECTORY, raw_client

pytestmark = pytest.mark.strangers
SHARES = st.sampled_from([0.0, 0.2])
ANY = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Process:
    """A server process, which dies after a number of calls."""

    def __init__(self, world: "World", calls: int) -> None:
        self.client = DyingClient(
            raw_client(world.service), calls=calls, share=world.share, seed=world.rng.getrandbits(32)
        )
        named: Any = self.client
        store = MessagingStore(Table(named, world.service.state["table"].name))
        told: dict[str, Any] = {"tasks": world.tasks, "publish": world.publish}
        self.messaging = Messaging(store, DIRECTORY, message_max_length=100, **told)
        self.requests = Requests(self.messaging, store, **told)
        self.blocks = Blocks(store, DIRECTORY, **told)


class World:
    """A requester and a receiver, and two processes that serve them, with faults."""

    def __init__(self, service: Service, seed: int, share: float = 0.0) -> None:
        self.service = service
        self.rng = random.Random(seed)  # noqa: S311  # repeatable
        self.share = share
        self.requester, self.receiver = uuid4(), uuid4()
        self.group = direct_group_uuid(self.requester, self.receiver)
        self.store = MessagingStore(service.state["table"])
        self.tasks = TaskSet()
        self.events: list[Event] = []
        self.processes = [Process(self, 10**6) for _ in range(2)]

    async def publish(self, *events: Event) -> None:
        self.events += events

    async def repeat(self, call: Callable[[Process], Awaitable[Any]]) -> Any:
        for _ in range(40):
            try:
                return await call(self.rng.choice(self.processes))
            except Unavailable:
                await asyncio.sleep(0)
        raise AssertionError("never answered")

    async def send(self, *, is_answer: bool = False) -> Message | None:
        """The message, None for one that was refused."""
        user, peer = self.requester, self.receiver
        if is_answer:
            user, peer = peer, user
        draft = Draft(user, "x", uuid4(), 0)
        try:
            message: Message = await self.repeat(
                lambda process: process.messaging.send(draft, group=None, handle=str(peer))
            )
        except CannotMessage:
            return None
        return message

    async def decide(self, decision: str) -> InboxRow | None:
        """The receiver's row after a decision, None if there was nothing to decide."""
        try:
            row: InboxRow = await self.repeat(
                lambda process: getattr(process.requests, decision)(self.receiver, self.group)
            )
        except GroupNotFound:
            return None
        return row

    async def standing(self) -> Standing:
        await self.tasks.drain(5)
        self.tasks = TaskSet()
        found = await self.store.requests.standing(self.requester, self.receiver)
        assert found
        return found

    async def check(self) -> tuple[list[Message], InboxRow, InboxRow]:
        """Whatever has happened: the log has no holes, and the rows fit it and one another."""
        standing = await self.standing()
        assert standing.differences == []
        messages = await self.store.messages_after(self.group, 0)
        assert [message.number for message in messages] == list(range(1, len(messages) + 1))
        own, theirs = standing.rows
        assert own.last_number == theirs.last_number == len(messages)
        if any(message.user_uuid == self.receiver for message in messages):
            assert (theirs.folder, theirs.state, own.awaits_acceptance) == (Folder.INBOX, MemberState.ACTIVE, False)
        if own.awaits_acceptance:
            assert len(messages) <= MAX_MESSAGES
            moved = [event for event in self.events if isinstance(event, MarkerMoved | TypingChanged)]
            of_receiver = [event for event in moved if event.to == self.requester]
            assert {event.user_uuid for event in of_receiver} <= {self.requester}
        return messages, own, theirs


@given(seed=st.integers(0, 2**32), share=SHARES, sends=st.integers(MAX_MESSAGES, 9))
@ANY
async def test_no_more_than_three_messages_are_committed_however_many_are_sent_at_once(
    service: Service, seed: int, share: float, sends: int
) -> None:
    world = World(service, seed, share)
    sent = await asyncio.gather(*(world.send() for _ in range(sends)))
    assert sorted(message.number for message in sent if message) == [1, 2, 3]
    messages, own, theirs = await world.check()
    assert (len(messages), own.awaits_acceptance, theirs.folder) == (MAX_MESSAGES, True, Folder.REQUESTS)


@given(
    requester=st.integers(1, 6),
    receiver=st.lists(st.sampled_from(["answer", "accept", "decline", "read", "type"]), max_size=4),
    other_device=st.lists(st.sampled_from(["answer", "accept", "decline"]), max_size=2),
    seed=st.integers(0, 2**32),
    share=SHARES,
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_the_receiver_does_while_the_requester_sends_both_rows_agree(
    service: Service, requester: int, receiver: list[str], other_device: list[str], seed: int, share: float
) -> None:
    """The receiver has two devices; the first message is there, so that there is something to decide."""
    world = World(service, seed, share)
    assert await world.send()
    decisions: list[tuple[str, InboxRow | None]] = []

    async def device(steps: list[str]) -> None:
        for step in steps:
            await asyncio.sleep(world.rng.random() / 50)
            if step == "answer":
                assert await world.send(is_answer=True)
            elif step in {"accept", "decline"}:
                decisions.append((step, await world.decide(step)))
            else:
                await _look(world, step)

    async def talk() -> None:
        for _ in range(requester):
            await world.send()

    await asyncio.gather(talk(), device(receiver), device(other_device))
    messages, own, theirs = await world.check()
    accepted = [row for step, row in decisions if step == "accept" and row]
    declined = [row for step, row in decisions if step == "decline" and row and not row.is_active]
    has_answer = any(message.user_uuid == world.receiver for message in messages)
    assert own.awaits_acceptance is not (has_answer or bool(accepted)), "accepted once is accepted for ever"
    if own.awaits_acceptance:
        assert theirs.is_active is not bool(declined)


async def _look(world: World, step: str) -> None:
    """Read or type in a group that may be declined."""
    try:
        if step == "read":
            await world.repeat(lambda process: process.messaging.markers.mark_read(world.receiver, world.group, 1))
        else:
            await world.repeat(lambda process: process.messaging.typing(world.receiver, world.group, is_typing=True))
    except GroupNotFound:
        pass


@given(seed=st.integers(0, 2**32), share=SHARES)
@ANY
async def test_two_first_contacts_at_once_accept_each_other(service: Service, seed: int, share: float) -> None:
    world = World(service, seed, share)
    sent = await asyncio.gather(world.send(), world.send(is_answer=True))
    assert all(sent)
    messages, own, theirs = await world.check()
    assert len(messages) == 2
    assert not own.is_pending
    assert not theirs.is_pending


@given(seed=st.integers(0, 2**32), share=SHARES, decision=st.sampled_from(["accept", "decline"]), who=st.booleans())
@ANY
async def test_a_decision_and_a_block_at_the_same_time_both_hold(
    service: Service, seed: int, share: float, decision: str, who: bool
) -> None:
    world = World(service, seed, share)
    await world.send()
    user, other = (world.requester, world.receiver) if who else (world.receiver, world.requester)
    await asyncio.gather(
        world.decide(decision), world.repeat(lambda process: process.blocks.block(user, str(other))), world.send()
    )
    assert await world.send() is None
    relation = await world.store.blocks.relation(world.requester, world.receiver)
    assert (relation.differences, relation.has_fence) == ([], True)
    await world.repeat(lambda process: process.blocks.unblock(user, str(other)))
    _, own, theirs = await world.check()
    assert own.awaits_acceptance is (decision == "decline")
    assert theirs.is_active is (decision == "accept")
    if decision == "accept":
        assert all([await world.send() for _ in range(MAX_MESSAGES + 1)])


@pytest.mark.parametrize("calls", range(1, 8))
@pytest.mark.parametrize("what", ["accept", "decline", "answer"])
async def test_a_process_that_dies_at_any_write_leaves_what_the_next_call_finishes(
    service: Service, what: str, calls: int
) -> None:
    world = World(service, calls)
    for _ in range(MAX_MESSAGES):
        await world.send()
    dying = Process(world, calls)
    draft = Draft(world.receiver, "yes", uuid4(), MAX_MESSAGES)
    work: Awaitable[Any] = (
        dying.messaging.send(draft, group=world.group, handle=None)
        if what == "answer"
        else getattr(dying.requests, what)(world.receiver, world.group)
    )
    call, death = asyncio.ensure_future(work), asyncio.ensure_future(dying.client.died.wait())
    await asyncio.wait([call, death], return_when=asyncio.FIRST_COMPLETED)
    for each in (call, death):
        each.cancel()
    await asyncio.gather(call, death, return_exceptions=True)
    await world.tasks.drain(0)
    world.tasks = TaskSet()
    for process in world.processes:
        process.messaging._tasks = process.requests._tasks = world.tasks  # noqa: SLF001
        process.messaging.projection._tasks = world.tasks  # noqa: SLF001
    standing = await world.standing()
    if what != "answer":
        assert standing.differences == [], "both rows or none"
        return
    if standing.has_answer or not standing.rows[0].is_pending:
        sent = await world.send()
        assert sent, "the log has the answer, whatever the rows say"
        assert sent.number == MAX_MESSAGES + 2
    await world.check()


@pytest.mark.parametrize("row_of", ["requester", "receiver"])
async def test_a_row_that_later_messages_have_moved_past_the_answer_is_made_up_for(
    service: Service, row_of: str
) -> None:
    """The answering process dies after its commit; another one brings one of the rows up to a later message."""
    world = World(service, 1)
    first = await world.send()
    assert first
    answer = Message(world.group, 2, uuid4(), world.receiver, "yes", first.created_at)
    later = Message(world.group, 3, uuid4(), world.requester, "good", first.created_at)
    await world.store.append_message(answer)
    await world.store.append_message(later)
    user = getattr(world, row_of)
    row = await world.store.advance_inbox_row(later, user=user)
    assert row
    assert (row.last_number, row.is_pending, row.folder, row.is_active) == (3, False, Folder.INBOX, True)
    late = await world.store.advance_inbox_row(answer, user=user)
    assert late
    assert not late.is_pending


async def test_a_decline_that_is_faster_than_the_projection_of_an_answer_does_not_undo_it(service: Service) -> None:
    world = World(service, 1)
    first = await world.send()
    assert first
    answer = Message(world.group, 2, uuid4(), world.receiver, "yes", first.created_at)
    await world.store.append_message(answer)
    declined = await world.decide("decline")
    assert declined
    assert not declined.is_active
    for user in (world.requester, world.receiver):
        await world.store.advance_inbox_row(answer, user=user)
    await world.check()


async def test_without_faults_no_call_fails(service: Service) -> None:
    """Else the tests above would count refusals as faults."""
    world = World(service, 1)
    for step in ("send", "accept", "send"):
        try:
            await (world.send() if step == "send" else world.decide(step))
        except AppError as error:
            raise AssertionError(step) from error
    await world.check()
