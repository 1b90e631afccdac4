"""Positions say what was delivered, so that a stream that resumes brings and costs what was missed."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messaging.catchup import MESSAGES, Catchup
from app.realtime import positions
from app.realtime.bus import MemoryBus
from app.realtime.positions import MAX_GROUPS, MAX_LENGTH, Numbers, read_position
from tests.fixtures.app import Service
from tests.messaging.test_capacity import Metered
from tests.realtime.test_stream import Talk

BUS = "0123456789abcdef-1795512600123"


@given(st.lists(st.tuples(st.uuids(version=4), st.integers(1, 10**12)), max_size=30))
def test_a_position_has_the_numbers_of_the_last_groups(delivered: list[tuple[UUID, int]]) -> None:
    numbers = Numbers()
    for group, number in delivered:
        numbers.add(group, number)
    position = numbers.position(BUS)
    assert len(position) <= MAX_LENGTH
    of_bus, read = read_position(position)
    assert of_bus == BUS
    last = dict(dict(reversed(delivered)).items())
    kept = list(last)[:MAX_GROUPS]
    newest = dict(delivered)
    assert {group: read.of(group) for group in newest} == {
        group: newest[group] if group in kept else None for group in newest
    }


@pytest.mark.parametrize(
    "tail", ["", ".", "..", ".x", ".AbCdEfGh", ".AbCdEfG!1", ".AbCdEfGh-1", ".AbCdEfGh" + "f" * 11]
)
def test_what_is_no_group_says_nothing(tail: str) -> None:
    of_bus, numbers = read_position(BUS + tail)
    assert of_bus == BUS
    assert numbers.position(BUS) == BUS


def test_a_group_is_named_as_long_as_it_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    numbers.add(uuid4(), 1)
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
