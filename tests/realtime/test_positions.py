"""Positions say what was delivered, so that a stream that resumes brings and costs what was missed."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messaging.catchup import MESSAGES, Catchup
from app.messaging.events import MessageChanged
from app.messaging.models import Change, ChangeType, Message
from app.realtime import positions
from app.realtime.bus import MemoryBus
from app.realtime.positions import MAX_LENGTH, MAX_LOGS, Kind, Numbers, read_position
from tests.fixtures.app import Service
from tests.messaging.test_capacity import Metered
from tests.realtime.test_changed_messages import ChangingTalk
from tests.realtime.test_stream import Talk

BUS = "0123456789abcdef-1795512600123"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def entry(group: UUID, number: int, kind: Kind = Message) -> Message | Change:
    if kind is Message:
        return Message(group, number, uuid4(), uuid4(), "Hello", NOW)
    return Change(group, number, uuid4(), uuid4(), NOW, ChangeType.DELETE, 1)


@given(
    st.lists(st.tuples(st.uuids(version=4), st.sampled_from([Message, Change]), st.integers(1, 10**12)), max_size=30)
)
def test_a_position_has_the_numbers_of_the_last_logs(delivered: list[tuple[UUID, Kind, int]]) -> None:
    numbers = Numbers()
    for group, kind, number in delivered:
        numbers.add(entry(group, number, kind))
    position = numbers.position(BUS)
    assert len(position) <= MAX_LENGTH
    of_bus, read = read_position(position)
    assert of_bus == BUS
    newest = {(group, kind): number for group, kind, number in delivered}
    kept = list({(group, kind): None for group, kind, _ in reversed(delivered)})[:MAX_LOGS]
    assert {log: read.of(*log) for log in newest} == {log: newest[log] if log in kept else None for log in newest}


@pytest.mark.parametrize(
    "tail", ["", ".", "..", ".x", ".AbCdEfGh", ".AbCdEfG!1", ".AbCdEfGh--1", ".AbCdEfGh-", ".AbCdEfGh" + "f" * 11]
)
def test_what_is_no_log_says_nothing(tail: str) -> None:
    of_bus, numbers = read_position(BUS + tail)
    assert of_bus == BUS
    assert numbers.position(BUS) == BUS


def test_a_log_is_named_as_long_as_it_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    numbers.add(entry(uuid4(), 1))
    assert numbers.position(BUS) != BUS
    monkeypatch.setattr(positions, "SECONDS", -1.0)
    assert numbers.position(BUS) == BUS


async def test_resuming_costs_and_brings_what_was_missed_however_much_was_said_before(service: Service) -> None:
    """Clients that only resume got a part of the messages while more than a page of them came in two minutes."""
    metered = Metered(service)
    talk = Talk(service, MemoryBus())
    said = MESSAGES + 20
    async with talk.listening():
        await talk.send(said)
        await talk.until(lambda: len(talk.numbers) == said)
    for missed in (3, 0, 1):
        position, before = talk.position, len(talk.numbers)
        await talk.send(missed)
        async with metered.meter.measure() as spent, talk.listening(position, catchup=Catchup(metered.store)):
            pass
        assert len(talk.numbers) == before + missed
        assert spent.read_units == 0.5 + 0.5 * bool(missed)
        async with talk.listening(talk.position):
            await talk.send(1)
            await talk.until(lambda before=before, missed=missed: len(talk.numbers) == before + missed + 1)  # type: ignore[misc]
    assert talk.numbers == list(range(1, said + 8))


async def test_resuming_costs_and_brings_the_changes_that_were_missed(service: Service) -> None:
    metered = Metered(service)
    talk = ChangingTalk(service, MemoryBus())
    made, made_so_far = MESSAGES + 20, list[int]()

    async def react(times: int) -> None:
        for _ in range(times):
            kinds = ChangeType.REACT, ChangeType.UNREACT
            await talk.change(talk.ann, 1, kinds[len(made_so_far) % 2], emoji="👍")
            made_so_far.append(1)

    async with Talk.listening(talk):
        await talk.send(1)
        await react(made)
        await talk.until(lambda: len(changes_of(talk)) == made)
    for missed in (3, 0, 1):
        await react(missed)
        async with (
            metered.meter.measure() as spent,
            Talk.listening(talk, talk.position, catchup=Catchup(metered.store)),
        ):
            pass
        assert spent.read_units == 0.5 + 0.5 * bool(missed)
        assert changes_of(talk) == list(range(1, len(made_so_far) + 1))


def changes_of(talk: Talk) -> list[int]:
    return [item.event.change.number for item in talk.items if isinstance(item.event, MessageChanged)]
