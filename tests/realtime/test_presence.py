"""Presence: what peers are told, when and how often, what it costs, and that it ends at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cache import Caches
from app.concurrency import TaskSet
from app.gateways.valkey import Valkey, ValkeyUnavailable
from app.messaging.blocks import Blocks
from app.messaging.catchup import NEWEST, Catchup
from app.messaging.events import GroupChanged
from app.messaging.inbox import InboxPage
from app.messaging.settings.service import UserSettingsService
from app.messaging.settings.store import SettingsStore
from app.realtime.bus import MemoryBus
from app.realtime.events import LiveEvent, PresenceChanged
from app.realtime.presence.fan_out import REPEAT_SECONDS, PresenceFanOut, visible_peers
from app.realtime.presence.register import MemoryRegister, Register, Seen, ValkeyRegister
from app.realtime.presence.service import PeerPresence
from app.realtime.presence.tracker import PresenceTracker
from app.users.events import AccountChanged
from tests.fixtures.app import Person, Service
from tests.messaging.test_capacity import Metered, fill
from tests.tools.clock import Clock
from tests.tools.processes import DIRECTORY

MORNING = 1_795_512_645.0
MINUTE = datetime.fromtimestamp(MORNING // 60 * 60, UTC)
SECONDS = 10.0


class Scene(Metered):
    """Ann and Bob with a direct group, on a process whose time passes when the test says so."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.clock = Clock(MORNING)
        self.tasks = TaskSet()
        self.published: list[LiveEvent] = []
        self.bus = Kept(self.published)
        self.catchup = Catchup(self.store)
        self.register: Register = MemoryRegister(self.clock)
        self.fan_out = PresenceFanOut(self.register, self.catchup, self.bus, self.clock)
        self.settings_store = SettingsStore(self.table)
        self.settings = UserSettingsService(self.settings_store, Caches(self.tasks), self.fan_out.on_shared)
        self.tracker = self.new_tracker()
        self.presence = PeerPresence(self.register, self.catchup, self.settings)
        self.streams: dict[UUID, ExitStack] = {}

    def new_tracker(self) -> PresenceTracker:
        return PresenceTracker(self.register, self.settings_store, self.fan_out, self.tasks, self.clock)

    async def share(self, *users: UUID, presence: bool = True) -> None:
        for user in users:
            await self.settings.change(user, {"presence": presence})

    async def come(self, user: UUID) -> None:
        """Open a stream."""
        self.streams[user] = ExitStack()
        self.streams[user].enter_context(self.tracker.streaming(user))
        await self.settle()

    async def go(self, user: UUID) -> None:
        """Close the stream."""
        self.streams.pop(user).close()
        await self.settle()

    async def settle(self) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.tasks):  # noqa: ASYNC110  # a task may start another one
                await asyncio.sleep(0.01)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass second by second."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + 1)
            await self.tracker.tick()

    def heard(self, to: UUID) -> list[tuple[UUID, bool, datetime | None]]:
        """Take what was published to a user."""
        found = [each for each in self.published if isinstance(each, PresenceChanged) and each.to == to]
        self.published[:] = [each for each in self.published if each not in found]
        return [(each.user_uuid, each.is_online, each.last_seen_at) for each in found if each.user_uuid != to]

    async def seen_by(self, user: UUID) -> dict[UUID, Seen]:
        return await self.presence.of(user)


class Kept(MemoryBus):
    """Keeps what is published, and delivers it."""

    def __init__(self, published: list[LiveEvent]) -> None:
        super().__init__()
        self._published = published

    async def publish(self, *events: LiveEvent) -> None:
        self._published += events
        await super().publish(*events)


@pytest.fixture
async def scene(service: Service) -> AsyncIterator[Scene]:
    scene = Scene(service)
    await scene.send()
    yield scene
    for user in [*scene.streams]:
        await scene.go(user)


async def test_nothing_is_known_of_users_who_did_not_ask_for_it(scene: Scene) -> None:
    await scene.share(scene.bob)
    for user in (scene.ann, scene.bob):
        await scene.come(user)
    await scene.pass_time(40)
    assert await scene.register.seen([scene.ann, scene.bob]) == {
        scene.bob: (await scene.register.seen([scene.bob]))[scene.bob]
    }
    assert (scene.heard(scene.ann), scene.heard(scene.bob)) == ([], [])
    assert (await scene.seen_by(scene.ann), await scene.seen_by(scene.bob)) == ({}, {})


async def test_peers_who_share_it_are_told_and_can_ask(scene: Scene) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    await scene.come(ann)
    await scene.come(bob)
    assert scene.heard(ann) == [(bob, True, None)]
    assert scene.heard(bob) == [], "who comes later asks"
    (seen,) = (await scene.seen_by(bob)).values()
    assert (seen.is_online, seen.last_seen_at) == (True, None)
    await scene.pass_time(100)
    await scene.go(bob)
    await scene.pass_time(29)
    assert scene.heard(ann) == []
    assert (await scene.seen_by(ann))[bob].is_online
    await scene.pass_time(3)
    minute = MINUTE + timedelta(minutes=2)
    assert scene.heard(ann) == [(bob, False, minute)]
    assert {peer: seen.last_seen_at for peer, seen in (await scene.seen_by(ann)).items()} == {bob: minute}


async def test_a_setting_that_is_made_while_a_stream_is_open_counts_for_it(scene: Scene) -> None:
    """The streams hear of it by an event to the user, which reaches no client."""
    ann, bob = scene.ann, scene.bob
    await scene.share(ann)
    await scene.come(ann)
    await scene.come(bob)
    await scene.share(bob)
    (event,) = [each for each in scene.published if isinstance(each, PresenceChanged) and each.to == bob]
    shows = scene.tracker.with_presence(scene.settings.shows)
    assert not await shows(event)
    assert (bob, True, None) in scene.heard(ann)


@pytest.mark.strangers
async def test_the_members_of_a_request_see_nothing_until_it_is_accepted(scene: Scene) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    for user in (ann, bob):
        await scene.come(user)
    assert [scene.heard(user) for user in (ann, bob)] == [[], []]
    assert [await scene.seen_by(user) for user in (ann, bob)] == [{}, {}]
    row = await scene.store.inbox_row(bob, scene.group)
    assert row
    assert await scene.store.requests.accept(row)
    assert [[*await scene.seen_by(user)] for user in (ann, bob)] == [[bob], [ann]]


async def test_members_of_a_group_of_several_see_nothing_of_one_another(
    service: Service, ann: Person, bob: Person, eve: Person
) -> None:
    await bob.sent("hi", eve)
    body = {"title": "Fair", "handles": [bob.handle, eve.handle], "uuid": str(uuid4())}
    assert (await ann.client.post("/api/message_groups", json=body)).status_code == 200
    for person in (ann, bob, eve):
        await person.client.patch("/api/users/me/settings", json={"presence": True})
    scene = Scene(service)
    seen: dict[UUID, list[UUID]] = {}
    for person in (ann, bob, eve):
        await scene.come(person.uuid)
    for person in (ann, bob, eve):
        seen[person.uuid] = [*await scene.seen_by(person.uuid)]
    assert seen == {ann.uuid: [], bob.uuid: [eve.uuid], eve.uuid: [bob.uuid]}
    assert not scene.heard(ann.uuid)
    for person in (ann, bob, eve):
        await scene.go(person.uuid)


async def test_strangers_former_and_blocked_peers_get_nothing(scene: Scene) -> None:
    ann, bob, eve = scene.ann, scene.bob, uuid4()
    await scene.share(ann, bob, eve)
    for user in (ann, eve):
        await scene.come(user)
    blocks = Blocks(scene.store, DIRECTORY, tasks=scene.tasks, publish=scene.fan_out.without_blocks(scene.bus.publish))
    await blocks.block(ann, str(bob))
    await scene.come(bob)
    await scene.pass_time(40)
    assert [scene.heard(user) for user in (eve, bob)] == [[], []]
    assert [await scene.seen_by(user) for user in (ann, bob, eve)] == [{}, {}, {}]


@pytest.mark.parametrize("who", ["ann", "bob"])
async def test_a_block_ends_it_for_both_at_once_and_says_nothing_more(scene: Scene, who: str) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    for user in (ann, bob):
        await scene.come(user)
    scene.published.clear()
    blocks = Blocks(scene.store, DIRECTORY, tasks=scene.tasks, publish=scene.fan_out.without_blocks(scene.bus.publish))
    await blocks.block(*((ann, str(bob)) if who == "ann" else (bob, str(ann))))
    assert [await scene.seen_by(user) for user in (ann, bob)] == [{}, {}]
    assert (scene.heard(ann), scene.heard(bob)) == ([(bob, False, None)], [(ann, False, None)])
    await scene.pass_time(REPEAT_SECONDS + 1)
    assert (scene.heard(ann), scene.heard(bob)) == ([(bob, False, None)], [(ann, False, None)]), "against late changes"
    await blocks.block(*((ann, str(bob)) if who == "ann" else (bob, str(ann))))
    await scene.pass_time(60)
    assert (scene.heard(ann), scene.heard(bob)) == ([], [])


async def test_a_change_whose_rows_were_read_before_a_block_is_overtaken_by_the_end(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    for user in (ann, bob):
        await scene.come(user)
    await scene.pass_time(40)
    stale = await scene.catchup.newest(bob)
    await scene.go(bob)
    await scene.pass_time(29)
    scene.published.clear()
    blocks = Blocks(scene.store, DIRECTORY, tasks=scene.tasks, publish=scene.fan_out.without_blocks(scene.bus.publish))
    await blocks.block(ann, str(bob))

    async def behind(*_: object, **__: object) -> InboxPage:
        return stale

    monkeypatch.setattr(scene.catchup, "newest", behind)
    await scene.pass_time(10)
    told = scene.heard(ann)
    assert [last_seen_at is None for _, _, last_seen_at in told] == [True, False, True], told


async def test_a_block_between_users_without_presence_publishes_no_sign_of_it(scene: Scene) -> None:
    await scene.share(scene.ann)
    for user in (scene.ann, scene.bob):
        await scene.come(user)
    scene.published.clear()
    blocks = Blocks(scene.store, DIRECTORY, tasks=scene.tasks, publish=scene.fan_out.without_blocks(scene.bus.publish))
    await blocks.block(scene.ann, str(scene.bob))
    await scene.pass_time(10)
    assert {type(event) for event in scene.published} == {GroupChanged}


@pytest.mark.parametrize("end", ["setting", "account"])
async def test_it_ends_at_once_for_both_when_it_may_not_be_seen(scene: Scene, end: str) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    for user in (ann, bob):
        await scene.come(user)
    scene.published.clear()
    if end == "setting":
        await scene.share(bob, presence=False)
    else:
        await scene.fan_out.end_changed(AccountChanged(bob, ("sub",)))
    assert scene.heard(ann) == [(bob, False, None)]
    assert scene.heard(bob) == [(ann, False, None)]
    assert await scene.seen_by(ann) == {}
    assert await scene.register.seen([bob]) == {}
    if end == "setting":
        assert await scene.seen_by(bob) == {}
        await scene.pass_time(60)
        await scene.go(ann)
        await scene.come(ann)
        assert bob not in [user for user, _, _ in scene.heard(ann)[1:]], "the repetition is all that comes"


@pytest.mark.parametrize("turns", [1, 2, 7])
async def test_streams_that_end_while_they_open_leave_nobody_online(scene: Scene, turns: int) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    await scene.come(ann)
    for _ in range(turns):
        with scene.tracker.streaming(bob):
            await asyncio.sleep(0)
    await scene.settle()
    await scene.pass_time(70)
    states = [is_online for user, is_online, _ in scene.heard(ann) if user == bob]
    assert states in ([], [True, False])
    assert not (await scene.seen_by(ann))[bob].is_online


async def test_a_setting_that_changes_while_a_stream_opens_wins(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the first look at the setting and the record."""
    await scene.share(scene.bob)
    see = scene.register.see

    async def see_late(*arguments: Any, **more: Any) -> set[UUID]:
        monkeypatch.setattr(scene.register, "see", see)
        await scene.share(scene.bob, presence=False)
        return await see(*arguments, **more)

    monkeypatch.setattr(scene.register, "see", see_late)
    await scene.come(scene.bob)
    assert await scene.register.seen([scene.bob]) == {}


async def test_an_account_that_opens_and_closes_streams_costs_no_more_than_one_that_keeps_one(scene: Scene) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    await scene.come(ann)
    scene.published.clear()
    async with scene.meter.measure() as spent:
        for _ in range(40):
            await scene.come(bob)
            await scene.pass_time(1)
            await scene.go(bob)
            await scene.pass_time(1)
    assert len(scene.heard(ann)) == 1, "Bob is online all the time"
    assert (spent.write_units, spent.read_units) == (0, 40 * 2 + 0.5), "the setting twice with each, and the rows once"
    assert spent.calls.count("Query") == 1


async def test_changes_are_told_once_in_30_s_and_the_last_one_is_told(scene: Scene) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    await scene.come(ann)
    told: list[float] = []
    for _ in range(20):  # Bob comes back as soon as the peers were told that he has gone
        await scene.come(bob)
        await scene.go(bob)
        for _ in range(33):
            await scene.pass_time(1)
            told += [scene.clock.now] * len(scene.heard(ann))
    assert all(later - earlier >= 30 for earlier, later in pairwise(told))
    await scene.come(bob)
    await scene.pass_time(31)
    told_last = scene.heard(ann)[-1:]
    assert [state for _, state, _ in told_last] in ([], [True])
    assert (await scene.seen_by(ann))[bob].is_online


@pytest.mark.parametrize(("groups", "units"), [(1, 0.5), (200, 9.5), (10_000, 10.5)])
async def test_a_change_costs_the_rows_at_most_and_reaches_only_peers_that_are_online(
    service: Service, groups: int, units: float
) -> None:
    scene = Scene(service)
    await fill(scene, groups, minutes_apart=60 / groups)
    await scene.catchup.newest(scene.ann)
    peers = visible_peers((await scene.catchup.newest(scene.ann)).rows)
    await scene.share(scene.ann)
    await scene.register.see([*peers[:150:2], scene.ann], adds=True)
    scene.published.clear()
    async with scene.meter.measure() as spent:
        await scene.fan_out.tell(scene.ann)
    assert (spent.write_units, spent.read_units) == (0, units), spent
    assert len(scene.published) == len(peers[:150:2]) <= (NEWEST if groups > 200 else 100)


async def test_asking_costs_the_rows_and_the_settings_of_peers_with_a_record(service: Service) -> None:
    scene = Scene(service)
    await fill(scene, 130, minutes_apart=1)
    peers = visible_peers((await scene.catchup.newest(scene.ann)).rows)
    await scene.share(scene.ann, *peers[95:105])
    await scene.register.see(peers[90:105], adds=True)
    scene.settings = UserSettingsService(scene.settings_store, Caches(scene.tasks))
    presence = PeerPresence(scene.register, scene.catchup, scene.settings)
    for settings_units in (1 + 10, 0):
        async with scene.meter.measure() as spent:
            found = await presence.of(scene.ann)
        rows = spent.read_units - settings_units
        assert spent.write_units == 0
        assert 10 <= rows <= 13, spent
    assert [*found] == peers[95:100], "of 100 peers, those that share it"


async def test_records_that_were_lost_are_made_again_for_those_who_share_presence(scene: Scene) -> None:
    ann, bob = scene.ann, scene.bob
    await scene.share(ann, bob)
    for user in (ann, bob):
        await scene.come(user)
    for user in (ann, bob):
        assert await scene.register.remove(user)  # as a Valkey that is empty after a restart
    await scene.pass_time(13)
    assert (await scene.seen_by(ann))[bob].is_online
    await scene.settings_store.change(bob, {"presence": False})  # by a process whose removal was lost
    assert await scene.register.remove(bob)
    await scene.pass_time(13)
    assert await scene.register.seen([bob]) == {}


class Unavailable(MemoryRegister):
    """Refuses removals while it is down."""

    is_down = True

    async def remove(self, user: UUID) -> bool:
        if self.is_down:
            raise ValkeyUnavailable("down")
        return await super().remove(user)


async def test_a_removal_that_failed_is_repeated(service: Service) -> None:
    scene = Scene(service)
    await scene.send()
    scene.register = register = Unavailable(scene.clock)
    fan_out = scene.fan_out = PresenceFanOut(register, scene.catchup, scene.bus, scene.clock)
    scene.tracker = scene.new_tracker()
    await register.see([scene.ann, scene.bob], adds=True)
    await fan_out.withdraw(scene.bob)
    await scene.pass_time(2)
    assert await register.seen([scene.bob])
    register.is_down = False
    await scene.pass_time(1)
    assert await register.seen([scene.bob]) == {}
    assert scene.heard(scene.ann) == [(scene.bob, False, None)]


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator[Valkey]:
    valkey = Valkey(valkey_url, call_seconds=5)
    yield valkey
    await valkey.aclose()


async def make_older(valkey: Valkey, user: UUID, seconds: int) -> None:
    """Let the record of a user be as if so many seconds had passed."""
    name = f"{{cruddur:presence:{user}}}"
    for field in ("seen", "at"):
        if await valkey.call("HGET", name, field):
            await valkey.call("HINCRBY", name, field, -seconds * 1000)


steps = st.lists(st.sampled_from(["see", "add", "tell", "remove", "5", "20", "31"]), min_size=1, max_size=25)


@given(steps=steps)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_both_registers_do_the_same(valkey: Valkey, steps: list[str]) -> None:
    clock, user = Clock(MORNING), uuid4()
    memory, shared = MemoryRegister(clock), ValkeyRegister(valkey)
    for step in steps:
        match step:
            case "see" | "add":
                adds = step == "add"
                assert await memory.see([user], adds=adds) == await shared.see([user], adds=adds)
            case "tell":
                one, other = await memory.tell(user), await shared.tell(user)
                assert type(one) is type(other)
                if isinstance(one, Seen) and isinstance(other, Seen):
                    assert one.is_online == other.is_online
                if isinstance(one, timedelta) and isinstance(other, timedelta):
                    assert abs(one - other) < timedelta(seconds=2)
            case "remove":
                assert await memory.remove(user) == await shared.remove(user)
            case _:
                clock.now += int(step)
                await make_older(valkey, user, int(step))
        one_seen, other_seen = await memory.seen([user]), await shared.seen([user])
        assert [seen.is_online for seen in one_seen.values()] == [seen.is_online for seen in other_seen.values()]


async def test_of_several_processes_one_tells(valkey: Valkey) -> None:
    user, processes = uuid4(), [ValkeyRegister(valkey) for _ in range(4)]
    assert await processes[0].see([user], adds=True) == {user}
    for is_online in (True, False):
        told = await asyncio.gather(*(each.tell(user) for each in processes * 3))
        (only,) = [each for each in told if isinstance(each, Seen)]
        assert only.is_online is is_online
        await make_older(valkey, user, 31)
    assert 0 < int(await valkey.call("TTL", f"{{cruddur:presence:{user}}}")) <= 7 * 86_400
    assert await processes[0].remove(user)
    assert not await processes[1].remove(user)
