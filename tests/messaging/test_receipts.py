"""Delivered and read markers: forward only, delivered never behind read, in every process and whatever fails."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cache import Caches
from app.concurrency import TaskSet
from app.errors import Unavailable
from app.messaging.changes import Changes
from app.messaging.errors import NumberBeyondEnd
from app.messaging.events import GroupChanged, MarkerMoved, TypingChanged
from app.messaging.models import Draft, direct_group_uuid
from app.messaging.receipts import Receipts
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.settings.items import UserSettings
from app.messaging.settings.service import UserSettingsService
from app.messaging.settings.store import SettingsStore
from app.messaging.store import MessagingStore
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_capacity import Metered
from tests.tools.processes import DIRECTORY, crashed_send, process

DAY = timedelta(days=1)


async def mark(person: Person, other: Person, marker: str, number: Any) -> httpx.Response:
    path = f"/api/message_groups/{person.group_with(other)}/{marker}"
    return await person.client.put(path, json={"number": number})


async def markers(viewer: Person, other: Person) -> dict[str, tuple[int, int]]:
    """Each member's read and delivered number, as a member gets them."""
    found = await viewer.get(f"/api/message_groups/{viewer.group_with(other)}/read")
    return {each["user_uuid"]: (each["number"], each["delivered_number"]) for each in found}


async def test_both_markers_move_forward_and_what_is_read_is_delivered(ann: Person, bob: Person) -> None:
    for number in range(5):
        await ann.sent(f"{number}", bob)
    own = {str(ann.uuid): (5, 5)}
    assert await markers(ann, bob) == own | {str(bob.uuid): (0, 0)}
    for marker, number, expected in (
        ("delivered", 3, (0, 3)),
        ("delivered", 2, (0, 3)),
        ("read", 2, (2, 3)),
        ("read", 4, (4, 4)),
        ("delivered", 4, (4, 4)),
        ("delivered", 3, (4, 4)),
        ("delivered", 5, (4, 5)),
        ("read", 1, (4, 5)),
    ):
        answer = await mark(bob, ann, marker, number)
        assert answer.status_code == 200, answer.text
        if marker == "delivered":
            assert answer.json() == {
                "user_uuid": str(bob.uuid),
                "number": expected[0],
                "delivered_number": expected[1],
            }
        assert await markers(ann, bob) == await markers(bob, ann) == own | {str(bob.uuid): expected}
    problem_of(await mark(bob, ann, "delivered", 6), 422, "number-beyond-end")
    assert (await bob.inbox())[0]["unread_count"] == 1
    await bob.sent("and you?", ann)
    assert (await markers(ann, bob))[str(bob.uuid)] == (6, 6)


@pytest.mark.parametrize("number", [0, -1, 1.5, "1", True, None, 10**12])
async def test_a_wrong_delivered_number_is_refused(ann: Person, bob: Person, number: Any) -> None:
    await ann.sent("one", bob)
    problem_of(await mark(bob, ann, "delivered", number), 422, "invalid-body")
    assert (await markers(ann, bob))[str(bob.uuid)] == (0, 0)


async def test_a_delivery_leaves_the_version_and_the_unread_count_of_the_group(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    before = await bob.inbox()
    await mark(bob, ann, "delivered", 1)
    assert await bob.inbox() == before


async def test_a_message_beyond_the_row_can_be_reported_as_delivered(
    service: Service, ann: Person, bob: Person
) -> None:
    await ann.sent("one", bob)
    await crashed_send(service, ann, ann.group_with(bob), number=2)
    answer = await mark(bob, ann, "delivered", 2)
    assert (answer.json()["number"], answer.json()["delivered_number"]) == (0, 2)


async def test_a_delivery_costs_one_write_unit_and_half_a_read_unit(service: Service) -> None:
    """The read is that of the peer's row: the event goes to members only."""
    metered = Metered(service)
    await metered.send()
    for _ in range(2):  # a repetition, too, whose first event may be lost
        async with metered.meter.measure() as spent:
            await metered.messaging.markers.mark_delivered(metered.bob, metered.group, 1)
        assert (spent.write_units, spent.index_write_units, spent.read_units) == (1, 0, 0.5), spent


class Heard:
    """The markers of each member that were published to each member: the last ones, by the events' own order."""

    def __init__(self) -> None:
        self.events: list[MarkerMoved] = []
        self.rows: list[InboxRow] = []

    async def publish(self, *events: object) -> None:
        self.events += [event for event in events if isinstance(event, MarkerMoved)]
        self.rows += [event.row for event in events if isinstance(event, GroupChanged)]

    def last(self, to: UUID, user: UUID) -> tuple[int, int]:
        """Return what a client that keeps the greatest numbers has in the end."""
        found = [event for event in self.events if (event.to, event.user_uuid) == (to, user)]
        return max((e.number for e in found), default=0), max((e.delivered_number for e in found), default=0)


async def test_the_events_have_both_markers_for_both_members(service: Service) -> None:
    heard, ann, bob = Heard(), uuid4(), uuid4()
    messaging = Messaging(
        MessagingStore(service.state["table"]),
        DIRECTORY,
        message_max_length=9,
        tasks=TaskSet(),
        publish=heard.publish,
    )
    for _ in range(3):
        await messaging.send(Draft(ann, "hi"), group=None, handle=str(bob))
    group = direct_group_uuid(ann, bob)
    await messaging.markers.mark_delivered(bob, group, 2)
    assert not heard.rows, "nothing that a list shows has changed"
    await messaging.markers.mark_read(bob, group, 1)
    await messaging.markers.mark_delivered(bob, group, 1)
    await messaging.markers.mark_read(bob, group, 3)
    for to in (ann, bob):
        found = [(e.number, e.delivered_number) for e in heard.events if e.to == to and e.user_uuid == bob]
        assert found == [(0, 2), (1, 2), (1, 2), (3, 3)], "the third says what was said: its call may be a repetition"


moves = st.lists(st.tuples(st.sampled_from(["read", "delivered"]), st.integers(1, 9)), min_size=1, max_size=12)


async def move_until_answered(processes: list[Messaging], row: InboxRow, move: tuple[str, int]) -> None:
    """Move a marker in any process until there is an answer, as a good client does."""
    marker, number = move
    for attempt in range(60):
        messaging = processes[attempt % 2]
        method = messaging.markers.mark_read if marker == "read" else messaging.markers.mark_delivered
        try:
            await method(row.user_uuid, row.group_uuid, number)
        except Unavailable:
            continue
        except NumberBeyondEnd:
            assert number == 9
        return
    raise AssertionError("never answered")


async def watch(store: MessagingStore, row: InboxRow, seen: list[tuple[int, int]]) -> None:
    """Read a row again and again, and note its markers."""
    while found := await store.inbox_row(row.user_uuid, row.group_uuid):
        seen.append(markers_of(found))


@given(moves=moves, seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.2, 0.4]))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_markers_of_racing_processes_are_the_greatest_that_were_answered(
    service: Service, moves: list[tuple[str, int]], seed: int, share: float
) -> None:
    """Throttles and lost answers included. No read of the row finds a marker behind an earlier read, or delivered
    behind read, and the events tell the same in the end.
    """
    heard, tasks, store = Heard(), TaskSet(), MessagingStore(service.state["table"])
    ann, bob = uuid4(), uuid4()
    healthy = Messaging(store, DIRECTORY, message_max_length=9, tasks=tasks)
    for _ in range(8):
        await healthy.send(Draft(ann, "x"), group=None, handle=str(bob))
    row = await healthy.group(bob, direct_group_uuid(ann, bob))
    processes = [process(service, tasks, share=share, seed=seed + n, publish=heard.publish) for n in range(2)]
    seen: list[tuple[int, int]] = []
    watcher = asyncio.create_task(watch(store, row, seen))
    await asyncio.gather(*(move_until_answered(processes, row, move) for move in moves))
    watcher.cancel()
    await asyncio.wait({watcher})
    seen.append(markers_of(await healthy.group(bob, row.group_uuid)))
    read = max((number for marker, number in moves if marker == "read" and number < 9), default=0)
    assert seen[-1] == (read, max((number for _, number in moves if number < 9), default=0))
    assert all(was[0] <= now[0] and was[1] <= now[1] for was, now in pairwise(seen))
    assert all(read <= delivered for read, delivered in seen)
    assert heard.last(bob, bob) == seen[-1], "also where the answer of a write was lost"
    if not share:  # else it may be unknown whether the peer is a member, and its event is left out
        assert heard.last(ann, bob) == seen[-1]


def markers_of(row: InboxRow) -> tuple[int, int]:
    return row.read_number, row.delivered_number


async def test_a_receipt_of_a_message_says_which_others_have_received_or_read_it(
    ann: Person, bob: Person, eve: Person
) -> None:
    for number in range(3):
        await ann.sent(f"{number}", bob)
    path = f"/api/messages/{ann.group_with(bob)}"
    assert await ann.get(f"{path}/3/receipts") == []
    await mark(bob, ann, "delivered", 3)
    await mark(bob, ann, "read", 2)
    by_bob = {"user_uuid": str(bob.uuid), "display_name": "Bob", "handle": bob.handle}
    assert await ann.get(f"{path}/2/receipts") == [by_bob | {"is_read": True}]
    assert await ann.get(f"{path}/3/receipts") == [by_bob | {"is_read": False}]
    assert await bob.get(f"{path}/3/receipts") == [], "neither the sender nor the caller is listed"
    problem_of(await ann.client.get(f"{path}/4/receipts"), 404, "message-not-found")
    problem_of(await eve.client.get(f"{path}/3/receipts"), 404, "group-not-found")


async def test_settings_have_defaults_and_change_one_by_one(ann: Person, bob: Person) -> None:
    path = "/api/users/me/settings"
    defaults = {"receipts": True, "messages_from": "everyone"}
    defaults |= {"typing": True, "presence": False, "is_discoverable": True}
    assert await ann.get(path) == defaults
    changed = defaults
    for body in (
        {"receipts": False},
        {},
        {"presence": True},
        {"messages_from": "contacts"},
        {"typing": False},
        {"receipts": False, "is_discoverable": False},
    ):
        changed = changed | body
        answer = await ann.client.patch(path, json=body)
        assert (answer.status_code, answer.json()) == (200, changed)
        assert await ann.get(path) == changed
    assert await bob.get(path) == defaults
    for wrong in (
        {"receipts": None},
        {"receipts": "false"},
        {"receipts": 0},
        {"messages_from": "friends"},
        {"other": True},
    ):
        problem_of(await ann.client.patch(path, json=wrong), 422, "invalid-body")
    assert await ann.get(path) == changed


async def test_receipts_cost_their_rows_and_settings_once(service: Service) -> None:
    metered = Metered(service)
    await metered.send()
    settings = UserSettingsService(SettingsStore(metered.table), Caches(TaskSet()))
    changes = Changes(
        metered.messaging, metered.store, tasks=TaskSet(), edit_window=DAY, delete_window=DAY, shows_edits=True
    )
    receipts = Receipts(metered.messaging, changes, settings)
    for units in (3.5, 1.5):  # a row, the peer's row, and at first the settings of both
        async with metered.meter.measure() as spent:
            await receipts.markers(metered.ann, metered.group)
        assert (spent.read_units, spent.write_units) == (units, 0), spent
    async with metered.meter.measure() as spent:
        await receipts.of_message(metered.ann, metered.group, 1)
    assert (spent.read_units, spent.write_units) == (3.5, 0), spent
    async with metered.meter.measure() as spent:
        await settings.change(metered.ann, {"receipts": False})
    assert (spent.calls, spent.write_units) == (["UpdateItem"], 1), spent


async def test_the_settings_for_all_events_of_a_publish_are_read_at_once(service: Service) -> None:
    reads: list[tuple[str, int]] = []
    caches = Caches(TaskSet(), count=lambda _, result, number: reads.append((result, number)))
    settings = UserSettingsService(SettingsStore(Metered(service).table), caches)
    group, member, *others = (uuid4() for _ in range(6))
    await settings.change(others[0], {"receipts": False})
    await settings.change(others[1], {"typing": False})
    published: list[Any] = []

    async def publish(*events: Any) -> None:
        published.extend(events)

    await settings.withheld_from(publish)(
        *(MarkerMoved(other, group, member, 1) for other in others),
        *(TypingChanged(other, group, member, is_typing=True) for other in others),
    )
    assert [(event.kind, event.to) for event in published] == [
        *(("read", other) for other in others[1:]),
        *(("typing", other) for other in (others[0], *others[2:])),
    ]
    assert reads == [("miss", 5)]


class Refusing:
    """Stands for a store whose table cannot be read."""

    async def settings(self, _: UUID) -> UserSettings:
        raise Unavailable


async def test_markers_are_withheld_while_settings_cannot_be_read(service: Service) -> None:
    store: Any = Refusing()
    settings = UserSettingsService(store, Caches(TaskSet()))
    ann, bob = uuid4(), uuid4()
    metered = Metered(service)
    await metered.send()
    row = await metered.messaging.group(metered.ann, metered.group)
    own, others = MarkerMoved(bob, row.group_uuid, bob, 1), MarkerMoved(ann, row.group_uuid, bob, 1)
    typing, published = TypingChanged(ann, row.group_uuid, bob, is_typing=True), list[object]()

    async def publish(*events: object) -> None:
        published.extend(events)

    await settings.withheld_from(publish)(GroupChanged(row), own, others, typing)
    assert published == [GroupChanged(row), own]
    with pytest.raises(Unavailable):  # a stream ends, and its client resumes before the marker
        await settings.shows(others)
