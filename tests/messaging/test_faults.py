"""Faults at chosen calls: the answer, and the table afterwards."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ReadTimeoutError

from app.concurrency import Backoff, TaskSet
from app.errors import Unavailable
from app.gateways.dynamodb import MAX_ATTEMPTS, Table, table
from app.messaging import projection
from app.messaging.clock import now
from app.messaging.errors import UuidTaken
from app.messaging.models import Draft, Message, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.tools.faults import ENDPOINT, throttled
from tests.tools.processes import DIRECTORY, raw_client

pytestmark = pytest.mark.usefixtures("no_pauses")
GIVE_UP = MAX_ATTEMPTS


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "DYNAMODB_REQUEST", Backoff(0, 0))
    monkeypatch.setattr(projection, "ATTEMPTS", 3)
    monkeypatch.setattr(projection, "INBOX_ROW", Backoff(0.01, 0.01))


class ChosenFaults:
    """Lets the calls of one operation meet these faults, one each: `throttle`, `lost` (applied, unanswered) or `ok`."""

    def __init__(self, client: Any, operation: str, *faults: str) -> None:
        self._client = client
        self._operation = operation
        self._faults: Iterator[str] = iter(faults)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        async def call(**request: Any) -> Any:
            fault = next(self._faults, "ok") if name == self._operation else "ok"
            if fault == "throttle":
                raise throttled(name)
            answer = await method(**request)
            if fault == "lost":
                raise ReadTimeoutError(endpoint_url=ENDPOINT)
            return answer

        call.__name__ = name
        return call


@pytest.fixture
def pair() -> tuple[UUID, UUID]:
    return uuid4(), uuid4()


@pytest.fixture
def tasks() -> TaskSet:
    return TaskSet()


def messaging_with(service: Service, tasks: TaskSet, operation: str, *faults: str) -> Messaging:
    client = cast(Any, ChosenFaults(raw_client(service), operation, *faults))
    store = MessagingStore(Table(client, service.state["table"].name))
    return Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks)


async def numbers(service: Service, pair: tuple[UUID, UUID]) -> list[int]:
    store = MessagingStore(service.state["table"])
    return [message.number for message in await store.messages_after(direct_group_uuid(*pair), 0)]


async def send(messaging: Messaging, pair: tuple[UUID, UUID], text: str) -> int:
    return (await messaging.send(Draft(pair[0], text), group=None, handle=str(pair[1]))).number


async def test_a_put_that_was_applied_but_never_answered_is_read_back(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    messaging = messaging_with(service, tasks, "put_item", "lost", *["throttle"] * (GIVE_UP - 1))
    await send(messaging, pair, "first contact")
    assert await send(messaging, pair, "lost answer") == 2
    assert await numbers(service, pair) == [1, 2]


async def test_a_put_that_was_never_applied_is_unavailable_and_leaves_nothing(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    messaging = messaging_with(service, tasks, "put_item", *["throttle"] * GIVE_UP)
    await send(messaging, pair, "first contact")
    with pytest.raises(Unavailable):
        await send(messaging, pair, "throttled")
    assert await numbers(service, pair) == [1]
    assert await send(messaging, pair, "again") == 2


async def test_a_first_contact_that_was_applied_but_never_answered_is_found_again(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    messaging = messaging_with(service, tasks, "transact_write_items", "lost", *["throttle"] * (GIVE_UP - 1))
    draft = Draft(pair[0], "hello", uuid4(), after=0)
    with pytest.raises(Unavailable):
        await messaging.send(draft, group=None, handle=str(pair[1]))
    assert (await messaging.send(draft, group=None, handle=str(pair[1]))).number == 1
    assert await numbers(service, pair) == [1]


async def test_rows_that_dynamodb_does_not_take_at_once_are_written_later(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    messaging = messaging_with(service, tasks, "update_item", *["throttle"] * (2 * GIVE_UP))
    await send(messaging, pair, "first contact")
    assert await send(messaging, pair, "answered although its rows are late") == 2
    await tasks.drain(5)
    store = MessagingStore(service.state["table"])
    rows = [await store.inbox_row(user, direct_group_uuid(*pair)) for user in pair]
    assert [row.last_number for row in rows if row] == [2, 2]


async def test_rows_that_are_never_taken_are_healed_by_the_next_open(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    messaging = messaging_with(service, tasks, "update_item", *["throttle"] * (2 * GIVE_UP * 3))
    group = direct_group_uuid(*pair)
    await send(messaging, pair, "first contact")
    assert await send(messaging, pair, "its rows never come") == 2
    await tasks.drain(5)
    assert [row.last_number for row in (await messaging.inbox(pair[1], limit=5)).rows] == [1]
    history = await messaging.history(pair[1], group, Window.newest(10))
    assert [message.number for message in history.messages] == [1, 2]
    await tasks.drain(5)
    assert [row.last_number for row in (await messaging.inbox(pair[1], limit=5)).rows] == [2]


async def test_a_throttled_read_is_unavailable_and_never_a_false_404(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    messaging = messaging_with(service, tasks, "get_item", *["throttle"] * GIVE_UP)
    with pytest.raises(Unavailable):
        await messaging.history(pair[0], direct_group_uuid(*pair), Window.newest(10))


class StaleReads:
    """Leaves one item out of every eventually consistent page, as a replica that is behind may."""

    def __init__(self, client: Any, missing: int) -> None:
        self._client = client
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def query(self, **request: Any) -> Any:
        answer = await self._client.query(**request)
        if not request["ConsistentRead"] and len(answer["Items"]) > 3:
            del answer["Items"][self._missing]
        return answer


@pytest.mark.parametrize("missing", [0, 3, -1])
@pytest.mark.parametrize("window", [Window.newest(10), Window.before(15, 10), Window.after(2, 10), Window.around(9, 8)])
async def test_a_page_holds_every_answered_message(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet, window: Window, missing: int
) -> None:
    client = cast(Any, StaleReads(raw_client(service), missing))
    store = MessagingStore(Table(client, service.state["table"].name))
    messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks)
    for number in range(1, 21):
        assert await send(messaging, pair, f"{number}") == number
    history = await messaging.history(pair[1], direct_group_uuid(*pair), window)
    expected = range(11, 21) if window.first is None else range(window.first, window.last + 1)
    assert [message.number for message in history.messages] == list(expected)


class Slow:
    """Applies the calls of one operation at once and answers them late."""

    def __init__(self, client: Any, operation: str, seconds: float) -> None:
        self._client = client
        self._operation = operation
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name != self._operation:
            return method

        async def call(**request: Any) -> Any:
            answer = await method(**request)
            await asyncio.sleep(self._seconds)
            return answer

        call.__name__ = name
        return call


async def test_a_send_that_is_answered_too_late_still_reaches_the_inboxes(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cast(Any, Slow(raw_client(service), "put_item", 0.3))
    store = MessagingStore(Table(client, service.state["table"].name))
    messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks)
    await send(messaging, pair, "first contact")
    monkeypatch.setattr("app.messaging.service.SEND_SECONDS", 0.2)
    with pytest.raises(Unavailable):
        await send(messaging, pair, "late")
    await tasks.drain(5)
    assert await numbers(service, pair) == [1, 2]
    assert [row.last_number for row in (await messaging.inbox(pair[1], limit=5)).rows] == [2]


async def test_a_put_that_another_process_committed_is_read_back_or_refused(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    """Another process commits this uuid in the same moment: with the same content, and with another."""
    group, store = direct_group_uuid(*pair), MessagingStore(service.state["table"])
    await send(messaging_with(service, tasks, "put_item"), pair, "first contact")
    uuid = uuid4()
    theirs = Message(group, 2, uuid, pair[0], "mine", now() - timedelta(seconds=1))
    throttled_puts = messaging_with(service, tasks, "put_item", *["throttle"] * GIVE_UP)
    log = throttled_puts.log  # the moment between search and put cannot be reached from outside
    await store.append_message(theirs)
    assert await log._put(replace(theirs, created_at=now())) == theirs  # noqa: SLF001
    other = messaging_with(service, tasks, "put_item", *["throttle"] * GIVE_UP).log
    with pytest.raises(UuidTaken):
        await other._put(replace(theirs, text="something else"))  # noqa: SLF001


async def test_a_marker_whose_row_cannot_be_written_is_unavailable_and_not_beyond_the_end(
    service: Service, pair: tuple[UUID, UUID], tasks: TaskSet
) -> None:
    messaging = messaging_with(service, tasks, "update_item", "ok", *["throttle"] * (3 * GIVE_UP * 2))
    await send(messaging, pair, "first contact")
    group = direct_group_uuid(*pair)
    await MessagingStore(service.state["table"]).append_message(Message(group, 2, uuid4(), pair[0], "crashed", now()))
    with pytest.raises(Unavailable):
        await messaging.markers.mark_read(pair[1], group, 2)
    await tasks.drain(5)
