"""Effects of the stop signal in its process; tests/test_processes.py has its effects on clients."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from app.http.connection import StopSignal


@pytest.fixture
def stopped() -> Iterator[list[int]]:
    """The signals that the server was told of, by a handler of its kind."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


async def until(calls: list[int]) -> None:
    async with asyncio.timeout(10):
        while not calls:  # noqa: ASYNC110  # a signal has no event
            await asyncio.sleep(0)


async def test_the_server_hears_of_the_signal_after_the_callback_and_some_turns(stopped: list[int]) -> None:
    called: list[int] = []
    with (stop := StopSignal()).handled(lambda: called.append(len(stopped))):
        signal.raise_signal(signal.SIGTERM)
        assert stop.received
        await asyncio.sleep(0)
        assert (called, stopped) == ([0], [])
        await until(stopped)
    assert stopped == [signal.SIGTERM]


async def test_a_second_signal_reaches_the_server_at_once(stopped: list[int]) -> None:
    with StopSignal().handled(lambda: None):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stopped == [signal.SIGTERM]


async def test_the_servers_own_handler_is_back_in_the_end(stopped: list[int]) -> None:
    with StopSignal().handled(lambda: None):
        pass
    signal.raise_signal(signal.SIGTERM)
    assert stopped == [signal.SIGTERM]
