"""Times of messages: they never go back, in a process and in a group."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.messaging.clock import SteadyClock
from app.messaging.models import Draft
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.fixtures.app import Service
from tests.tools.processes import DIRECTORY

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@given(st.lists(st.timedeltas(timedelta(days=-400), timedelta(days=400)), min_size=1))
def test_the_time_follows_a_clock_that_is_set_forward_and_goes_on_when_it_is_set_back(
    settings: list[timedelta],
) -> None:
    wall = [NOON]
    clock = SteadyClock(lambda: (wall[0] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000)
    shown = [clock()]
    for setting in settings:
        wall[0] = NOON + setting
        shown.append(clock())
        assert shown[-1] > wall[0] - timedelta(milliseconds=1)
    assert shown == sorted(shown)
    assert shown[-1] < max(NOON, *(NOON + setting for setting in settings)) + timedelta(minutes=1)


async def test_messages_of_a_group_are_in_the_order_of_their_times_whatever_the_clocks_of_processes_show(
    service: Service,
) -> None:
    store, ann, bob = MessagingStore(service.state["table"]), uuid4(), uuid4()

    def process(at: datetime) -> Messaging:
        return Messaging(store, DIRECTORY, message_max_length=100, tasks=TaskSet(), clock=lambda: at)

    right, behind = process(NOON), process(NOON - timedelta(hours=1))
    sent = [
        await each.send(Draft(sender, "x"), group=None, handle=str(peer))
        for each, sender, peer in ((right, ann, bob), (behind, bob, ann), (behind, ann, bob), (right, bob, ann))
    ]
    assert [message.created_at for message in sent] == [NOON] * 4
    row = await store.inbox_row(ann, sent[0].group_uuid)
    assert row
    assert (row.last_at, row.last_number) == (NOON, 4)
