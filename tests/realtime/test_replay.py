"""Resuming: a position that counts gives all that came after it, and no account takes another's positions."""

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messaging.events import GroupChanged, MarkerMoved, MessageAppended, TypingChanged
from app.messaging.models import Message
from app.messaging.row_models import InboxRow
from app.realtime import replay
from app.realtime.bus import Bus, MemoryBus
from app.realtime.events import LiveEvent, ProfileChanged, conflation_key, order_of, state_of
from app.realtime.replay import RESUME_BYTES, RESUME_SECONDS, USER_EVENTS, ReplayBuffer
from tests.realtime.test_bus import take, valkey_bus

USERS = [UUID(int=number) for number in range(1, 4)]
ROW = InboxRow(USERS[0], UUID(int=9), UUID(int=8), 1, datetime(2026, 11, 24, tzinfo=UTC), UUID(int=8), "hi", 0, 1)


def appended(to: UUID, group: UUID, number: int, text: str = "hi") -> MessageAppended:
    row = replace(ROW, user_uuid=to, group_uuid=group, last_number=number, version=number, preview=text[:30])
    return MessageAppended(Message(group, number, uuid4(), UUID(int=8), text, ROW.last_at), row)


def moved(to: UUID, group: UUID, number: int) -> MarkerMoved:
    return MarkerMoved(to, group, UUID(int=8), number)


GROUPS = st.integers(100, 104).map(lambda number: UUID(int=number))
EVENTS = st.one_of(
    st.builds(appended, st.sampled_from(USERS), GROUPS, st.integers(1, 9)),
    st.builds(moved, st.sampled_from(USERS), GROUPS, st.integers(1, 9)),
    st.builds(lambda to, at: ProfileChanged(to, UUID(int=at), "ann", "Ann"), st.sampled_from(USERS), st.integers(1, 3)),
    st.builds(lambda to, group: TypingChanged(to, group, UUID(int=8), is_typing=True), st.sampled_from(USERS), GROUPS),
)


def news(events: Sequence[LiveEvent], since: int) -> set[str | None]:
    """The keys of which the newest state came after the first events. A state of a lower order is no news."""
    newest: dict[str | None, tuple[int, int]] = {}
    for at, state in enumerate(map(state_of, events)):
        if state and newest.get(conflation_key(state), (0, 0))[0] <= order_of(state):
            newest[conflation_key(state)] = order_of(state), at
    return {key for key, (_, at) in newest.items() if at >= since}


class Published:
    """A buffer, everything that was added to it, and the positions that it gave."""

    def __init__(self) -> None:
        self.clock = time.time()
        self.buffer = ReplayBuffer(lambda: self.clock)
        self.events: dict[UUID, list[LiveEvent]] = {user: [] for user in USERS}
        self.positions: list[tuple[UUID, str, int, float]] = []
        for user in USERS:
            self.buffer.join(user)

    def add(self, event: LiveEvent) -> None:
        delivery = self.buffer.add(event)
        self.events[event.to].append(event)
        assert (delivery.position is None) == isinstance(event, TypingChanged)
        if delivery.position:
            self.positions.append((event.to, delivery.position, len(self.events[event.to]), self.clock))

    def check(self, user: UUID, position: str, count: int, at: float) -> bool:
        """Check what is replayed after the first `count` events of a user; return whether there is a replay."""
        replayed = self.buffer.replay_after(user, position)
        assert not any(self.buffer.replay_after(other, position) for other in USERS if other != user)
        if replayed is None:
            return False
        found = [delivery.event for delivery in replayed.deliveries]
        keys = [conflation_key(event) for event in found]
        later = {conflation_key(state) for state in map(state_of, self.events[user][count:]) if state}
        assert news(self.events[user], count) <= set(keys) <= later
        assert len(keys) == len(set(keys))
        assert {event.to for event in found} <= {user}
        assert abs(replayed.at.timestamp() - at) < 0.1
        return True


@given(st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 0.0, 0.001, 1.0, 200.0])), max_size=60), st.integers(2, 300))
def test_a_replay_is_whole_or_there_is_none(steps: list[tuple[LiveEvent, float]], most: int) -> None:
    published = Published()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "USER_EVENTS", most)
        for event, seconds in steps:
            published.clock += seconds
            published.add(event)
    for user, position, count, at in published.positions:
        is_whole = published.check(user, position, count, at)
        is_recent = at > published.clock - RESUME_SECONDS + 0.1
        assert is_whole or not is_recent or most <= 20, "nothing but the time may take a position here"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=200))
def test_the_bound_over_all_takes_no_position_of_a_user_with_less_than_its_share(steps: list[tuple[int, int]]) -> None:
    """The first user keeps three events, and the others whatever they receive."""
    buffer, users = ReplayBuffer(time.time), [UUID(int=number) for number in range(6)]
    for user in users:
        buffer.join(user)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "RESUME_BYTES", 20_000)
        first = buffer.add(moved(users[0], UUID(int=100), 1)).position
        for index, number in steps:
            group = UUID(int=100 + number % 3 if index == 0 else number)
            buffer.add(moved(users[0], group, number) if index == 0 else appended(users[index], group, number))
            assert buffer._bytes == sum(each.size for each in buffer._by_user.values()) <= 20_000  # noqa: SLF001
    assert buffer.replay_after(users[0], first or "")


def test_one_account_takes_no_position_of_another_user() -> None:
    """An account writes to everybody with a stream, again and again, as long texts as there are."""
    clock = time.time()
    buffer, users = ReplayBuffer(lambda: clock), [uuid4() for _ in range(2_000)]
    for user in users:
        buffer.join(user)
    positions = {user: buffer.add(moved(user, uuid4(), 1)).position for user in users}
    groups = {user: uuid4() for user in users}
    for number in range(1, 4):
        for user in users:
            buffer.add(appended(user, groups[user], number, "\N{GRINNING FACE}" * 1024))
            buffer.add(moved(user, groups[user], number))
            buffer.add(ProfileChanged(user, UUID(int=8), "ann", f"Ann {number}"))
    assert buffer._bytes <= RESUME_BYTES  # noqa: SLF001
    for user, position in positions.items():
        found = buffer.replay_after(user, position or "")
        assert found
        assert len(found.deliveries) == 3


def test_the_events_of_users_without_streams_are_not_kept() -> None:
    now = time.time()
    buffer = ReplayBuffer(lambda: now)
    user = uuid4()
    assert buffer.add(moved(user, uuid4(), 1)).position is None
    buffer.join(user)
    position = buffer.add(moved(user, uuid4(), 1)).position
    assert position
    buffer.leave(user)
    now += RESUME_SECONDS - 1
    buffer.add(moved(user, uuid4(), 2))
    assert buffer.replay_after(user, position)
    buffer.join(user)
    buffer.leave(user)
    now += RESUME_SECONDS + 1
    buffer.add(moved(uuid4(), uuid4(), 1))
    assert buffer.replay_after(user, position) is None
    assert (buffer._by_user, buffer._left_at, buffer._bytes) == ({}, {}, 0)  # noqa: SLF001


def test_a_position_of_an_earlier_run_is_unknown() -> None:
    now = time.time()
    buffers = [ReplayBuffer(lambda: now) for _ in range(2)]
    for buffer in buffers:
        buffer.join(USERS[0])
    positions = [buffer.add(moved(USERS[0], UUID(int=1), 1)).position or "" for buffer in buffers]
    assert buffers[1].replay_after(USERS[0], positions[1])
    assert buffers[1].replay_after(USERS[0], positions[0]) is None


@pytest.mark.parametrize("kind", ["memory", "valkey"])
async def test_positions_say_nothing_about_other_users(kind: str, request: pytest.FixtureRequest) -> None:
    """The ids that a user gets are times, whatever others do in between."""
    if kind == "memory":
        await check_positions(MemoryBus())
    else:
        async with valkey_bus(request.getfixturevalue("valkey_url"), call_seconds=5) as bus:
            await check_positions(bus)


async def check_positions(bus: Bus) -> None:
    ann, bob = uuid4(), uuid4()
    began = time.time()
    async with bus.subscribe(ann) as of_ann, bus.subscribe(bob) as of_bob:
        for number in range(50):
            await bus.publish(moved(bob, uuid4(), number))
        await bus.publish(moved(ann, uuid4(), 1), *(moved(bob, uuid4(), number) for number in range(50)))
        await bus.publish(moved(ann, uuid4(), 2))
        positions = [delivery.position or "" for delivery in await take(of_ann, 2)]
        theirs = [delivery.position or "" for delivery in await take(of_bob, 100)]
    assert all(re.fullmatch(r"([0-9a-f]{16}-)?[0-9]{13}", position) for position in positions)
    for position in positions:
        assert began - 1 < int(position[-13:]) / 1000 < time.time() + 1
    assert not {position[:-13] for position in positions if position[:-13]} & {position[:-13] for position in theirs}


@pytest.mark.parametrize("kind", ["memory", "valkey"])
async def test_a_flood_takes_no_position(kind: str, request: pytest.FixtureRequest) -> None:
    """An account that its victim knows sends, types, reads and renames itself, far more often than events are kept."""
    if kind == "memory":
        await check_flood(MemoryBus())
    else:
        async with valkey_bus(request.getfixturevalue("valkey_url"), call_seconds=5) as bus:
            await check_flood(bus)


async def check_flood(bus: Bus) -> None:
    victim, group = uuid4(), uuid4()
    async with bus.subscribe(victim) as subscription:
        await bus.publish(moved(victim, uuid4(), 1))
        (delivery,) = await take(subscription, 1)
    assert delivery.position
    for number in range(1, 2 * USER_EVENTS, 16):
        at = range(number, number + 16)
        await bus.publish(*(appended(victim, group, number, "x" * 1024) for number in at))
        await bus.publish(*(moved(victim, group, number) for number in at))
        await bus.publish(*(ProfileChanged(victim, UUID(int=8), "ann", f"Ann {number}") for number in at))
        await bus.publish(*(TypingChanged(victim, group, UUID(int=8), is_typing=True) for _ in at))
    found = await bus.replay_after(victim, delivery.position)
    assert found
    assert [type(each.event) for each in found.deliveries] == [GroupChanged, MarkerMoved, ProfileChanged]


@pytest.mark.parametrize("kind", ["memory", "valkey"])
async def test_too_many_different_events_take_the_oldest_positions(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "memory":
        await check_overflow(MemoryBus())
    else:
        async with valkey_bus(request.getfixturevalue("valkey_url"), call_seconds=5) as bus:
            await check_overflow(bus)


async def check_overflow(bus: Bus) -> None:
    ann, groups = uuid4(), [uuid4() for _ in range(USER_EVENTS + 1)]
    positions = []
    async with bus.subscribe(ann) as subscription:
        for group in groups:
            await bus.publish(moved(ann, group, 1))
            positions += [delivery.position or "" for delivery in await take(subscription, 1)]
    half = USER_EVENTS // 2
    for at in (0, 1, half - 2):
        assert await bus.replay_after(ann, positions[at]) is None
    for at in (half - 1, half, USER_EVENTS):
        found = await bus.replay_after(ann, positions[at])
        assert found
        expected = [moved(ann, group, 1) for group in groups[at + 1 :]]
        assert [delivery.event for delivery in found.deliveries] == expected
    assert len(set(positions)) == len(positions)


async def test_a_position_that_valkey_has_not_given_is_unknown(valkey_url: str) -> None:
    ann = uuid4()
    async with valkey_bus(valkey_url) as bus, bus.subscribe(ann) as subscription:
        await bus.publish(moved(ann, uuid4(), 1))
        (delivery,) = await take(subscription, 1)
        later = f"{int(delivery.position or '') + 1}"
        assert await bus.replay_after(ann, later) is None, "as after a failover that lost the newest events"
        earlier = f"{int(delivery.position or '') - 1}"
        assert await bus.replay_after(ann, earlier) is None
        assert await bus.replay_after(ann, delivery.position or "")


async def test_both_buses_replay_alike(valkey_url: str) -> None:
    """The script in Valkey does what the buffer in memory does."""
    ann, other = uuid4(), uuid4()
    groups = [uuid4() for _ in range(3)]
    rows = [replace(ROW, user_uuid=ann, group_uuid=group) for group in groups]
    events: list[LiveEvent] = []
    for number in (1, 3, 2, 5, 4):
        for row in rows:
            events += moved(ann, row.group_uuid, number), moved(other, row.group_uuid, number)
            events.append(GroupChanged(replace(row, version=number)))
    results = []
    async with valkey_bus(valkey_url) as in_valkey:
        for bus in (MemoryBus(), in_valkey):
            async with bus.subscribe(ann) as subscription:
                positions = []
                for event in events:
                    await bus.publish(event)
                    if event.to == ann:
                        positions += [delivery.position or "" for delivery in await take(subscription, 1)]
                found = [await bus.replay_after(ann, position) for position in positions]
            results.append([[d.event for d in each.deliveries] if each else None for each in found])
    assert results[0] == results[1]
    assert None not in results[0]
