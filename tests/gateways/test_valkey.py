"""The Valkey gateway against a real server that is killed, stopped and spoiled."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from app.gateways.valkey import CALL_SECONDS, REST_SECONDS, Subscriber, Valkey, ValkeyAway, open_valkey
from app.gateways.valkey.subscriber import CONFIRM_SECONDS, PING_SECONDS, SILENCE_SECONDS
from app.settings import ValkeySettings
from scripts.engines.valkey import Valkey as Engine
from tests.fixtures.engines import running_valkey
from tests.tools.own_time import now

SLACK = 0.5
"""Seconds that a loaded machine may add to a deadline."""


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def valkey(valkey_url: str, clock: Clock) -> AsyncIterator[Valkey]:
    valkey = Valkey(valkey_url, call_seconds=5, clock=clock)
    yield valkey
    await valkey.aclose()


@pytest.fixture
def engine() -> Iterator[Engine]:
    """One that the test may hurt."""
    with running_valkey() as engine:
        yield engine


@pytest.fixture
async def hurt(engine: Engine, clock: Clock) -> AsyncIterator[Valkey]:
    """A gateway of that one, connected."""
    valkey = Valkey(engine.address, clock=clock)
    await connected(valkey, clock)
    yield valkey
    await valkey.aclose()


async def connected(valkey: Valkey, clock: Clock) -> None:
    """Connecting may take a loaded machine longer than a call may."""
    for _ in range(100):
        try:
            await valkey.call("PING")
        except ValkeyAway:
            clock.now += REST_SECONDS
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("no connection")


def restart(engine: Engine) -> None:
    engine.child.stop(signal.SIGKILL, seconds=2)
    engine.start()
    engine.wait_until_ready()


async def refused(valkey: Valkey) -> float:
    """The seconds after which a call failed."""
    started = now()
    with pytest.raises(ValkeyAway):
        await valkey.call("PING")
    return now() - started


async def test_a_command_and_several(valkey: Valkey) -> None:
    key = f"key-{uuid4()}"
    assert await valkey.calls([("SET", key, b"\x00\r\n"), ("GET", key), ("GET", "none"), ("DEL", key, "none")]) == [
        b"OK", b"\x00\r\n", None, 1
    ]  # fmt: skip
    assert await valkey.call("ECHO", "é") == "é".encode()
    assert await valkey.call("ECHO", "x" * 200_000) == b"x" * 200_000


async def test_its_own_scheme_is_as_good(valkey_url: str) -> None:
    valkey = Valkey(valkey_url.replace("redis://", "valkey://"), call_seconds=1)
    assert await valkey.call("PING") == b"PONG"
    await valkey.aclose()


async def test_a_thousand_calls_at_once_get_their_own_answers(valkey: Valkey) -> None:
    answers = await asyncio.gather(*(valkey.call("ECHO", number) for number in range(1000)))
    assert answers == [str(number).encode() for number in range(1000)]
    assert await valkey.call("CLIENT", "GETNAME") == b"cruddur-messages"


async def test_calls_that_are_cancelled_spoil_nobodys_answer(valkey: Valkey) -> None:
    """The next caller must not read what the cancelled one had asked for."""

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(valkey.calls([("ECHO", f"gone {number}"), ("ECHO", "gone")]))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def heard(number: int) -> None:
        await asyncio.sleep(0.0001 * (number % 5))
        assert await valkey.call("ECHO", number) == str(number).encode()

    identity = await valkey.call("CLIENT", "ID")
    await asyncio.gather(*(work(number) for number in range(500) for work in (cancelled, heard)))
    assert await valkey.call("CLIENT", "ID") == identity


async def test_an_error_reply_is_a_fault_and_rests(valkey: Valkey, clock: Clock) -> None:
    with pytest.raises(ValkeyAway):
        await valkey.calls([("ECHO", "a"), ("NONSENSE",), ("ECHO", "b")])
    assert await refused(valkey) < SLACK
    clock.now += REST_SECONDS
    assert await valkey.call("ECHO", "c") == b"c"


async def test_a_killed_server_is_left_alone_and_found_again(hurt: Valkey, engine: Engine, clock: Clock) -> None:
    engine.child.stop(signal.SIGKILL, seconds=2)
    assert await refused(hurt) < CALL_SECONDS + SLACK
    restart(engine)
    clock.now += REST_SECONDS - 0.001
    assert await refused(hurt) < SLACK
    clock.now += 0.001
    await connected(hurt, clock)


async def test_a_server_that_hangs_costs_one_limit_and_then_nothing(hurt: Valkey, engine: Engine, clock: Clock) -> None:
    os.kill(engine.child.pid, signal.SIGSTOP)
    waits = await asyncio.gather(*(refused(hurt) for _ in range(20)))
    assert CALL_SECONDS * 0.9 < min(waits) <= max(waits) < CALL_SECONDS + SLACK
    started = now()
    for _ in range(1000):
        await refused(hurt)
    assert now() - started < CALL_SECONDS + SLACK
    clock.now += REST_SECONDS
    probes = await asyncio.gather(*(refused(hurt) for _ in range(20)))
    assert sum(wait > CALL_SECONDS / 2 for wait in probes) == 1
    os.kill(engine.child.pid, signal.SIGCONT)
    clock.now += REST_SECONDS
    await connected(hurt, clock)


async def test_a_connection_that_is_cut(hurt: Valkey, engine: Engine, clock: Clock) -> None:
    other = Valkey(engine.address, call_seconds=1)
    assert await other.call("CLIENT", "KILL", "TYPE", "normal") == 1
    await refused(hurt)
    clock.now += REST_SECONDS
    await connected(hurt, clock)
    await other.aclose()


async def test_no_server_and_a_wrong_password_do_not_stop_the_start(engine: Engine) -> None:
    wrong = engine.address.replace("redis://:", "redis://:x")
    for url in ("redis://127.0.0.1:1", wrong):
        async with open_valkey(ValkeySettings(valkey_url=url)) as valkey:
            assert valkey
            assert await refused(valkey) < CALL_SECONDS + SLACK
    async with open_valkey(ValkeySettings()) as nothing:
        assert nothing is None


async def test_memory_that_is_full_pushes_out_what_is_old(engine: Engine) -> None:
    valkey = Valkey(engine.address, call_seconds=5)
    for number in range(90):
        assert await valkey.call("SET", f"key-{number}", b"x" * 1_000_000) == b"OK"
    assert 30 < await valkey.call("DBSIZE") < 70
    assert await valkey.call("GET", "key-89")
    await valkey.aclose()


class Ear:
    """What a subscriber's owner is told, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes] | str] = []
        self.changed = asyncio.Event()

    def on_message(self, channel: str, payload: bytes) -> None:
        self._note((channel, payload))

    def on_down(self) -> None:
        self._note("down")

    def on_up(self) -> None:
        self._note("up")

    def _note(self, what: tuple[str, bytes] | str) -> None:
        self.heard.append(what)
        self.changed.set()

    async def hears(self, count: int, *, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while len(self.heard) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def subscriber(engine: Engine, hurt: Valkey, ear: Ear) -> AsyncIterator[Subscriber]:  # noqa: ARG001  # started
    async with hurt.listen(on_message=ear.on_message, on_down=ear.on_down, on_up=ear.on_up) as subscriber:
        await ear.hears(1)
        yield subscriber


async def publish(engine: Engine, channel: str, *payloads: str) -> list[int]:
    valkey = Valkey(engine.address, call_seconds=5)
    try:
        return await valkey.calls([("SPUBLISH", channel, payload) for payload in payloads])
    finally:
        await valkey.aclose()


async def test_what_is_published_is_heard_in_order(engine: Engine, subscriber: Subscriber, ear: Ear) -> None:
    await asyncio.gather(*(subscriber.subscribe(f"user:{number}") for number in range(300)))
    assert await publish(engine, "user:7", *map(str, range(500))) == [1] * 500
    await ear.hears(501)
    assert ear.heard == ["up", *(("user:7", str(number).encode()) for number in range(500))]
    await subscriber.unsubscribe("user:7")
    assert await publish(engine, "user:7", "unheard") == [0]
    assert await publish(engine, "user:8", "heard") == [1]


async def test_subscribing_and_its_opposite_go_on_while_messages_come(
    engine: Engine, subscriber: Subscriber, ear: Ear
) -> None:
    await subscriber.subscribe("busy")
    changes = [subscriber.subscribe("other"), subscriber.unsubscribe("other"), subscriber.subscribe("other")]
    await asyncio.gather(publish(engine, "busy", *map(str, range(200))), *changes)
    cancelled = asyncio.create_task(subscriber.subscribe("cancelled"))
    await asyncio.sleep(0)
    cancelled.cancel()
    await subscriber.subscribe("last")
    assert [await publish(engine, name, "x") for name in ("other", "last")] == [[1], [1]]
    await ear.hears(203)


async def test_after_a_kill_it_subscribes_again_and_says_so(engine: Engine, subscriber: Subscriber, ear: Ear) -> None:
    await subscriber.subscribe("one")
    engine.child.stop(signal.SIGKILL, seconds=2)
    await ear.hears(2)
    with pytest.raises(ValkeyAway):
        await subscriber.subscribe("two")
    with pytest.raises(ValkeyAway):
        await subscriber.unsubscribe("one")
    restart(engine)
    await ear.hears(3, seconds=10)
    assert await publish(engine, "one", "x") == [0]
    assert await publish(engine, "two", "x") == [1]
    await ear.hears(4)
    assert ear.heard == ["up", "down", "up", ("two", b"x")]


async def test_a_line_that_hangs_is_noticed_within_five_seconds(
    engine: Engine, subscriber: Subscriber, ear: Ear
) -> None:
    await subscriber.subscribe("one")
    os.kill(engine.child.pid, signal.SIGSTOP)
    started = now()
    with pytest.raises(ValkeyAway):
        await subscriber.subscribe("two")
    assert now() - started < CONFIRM_SECONDS + SLACK
    await ear.hears(2, seconds=6)
    assert now() - started < 5 + SLACK
    os.kill(engine.child.pid, signal.SIGCONT)
    await ear.hears(3, seconds=10)
    assert await publish(engine, "two", "x") == [1]


async def test_an_idle_line_stays_up(subscriber: Subscriber, ear: Ear) -> None:
    await asyncio.sleep(SILENCE_SECONDS + PING_SECONDS)
    assert subscriber.is_up
    assert ear.heard == ["up"]


@pytest.mark.parametrize("turns", range(4))
async def test_listening_ends_though_its_connection_fails_in_the_same_moment(
    engine: Engine, ear: Ear, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """Before Python 3.13 a TaskGroup forgets the cancellation: a process that stopped as Valkey went never ended."""
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr("app.gateways.valkey.subscriber.Wire.read", lambda _: failure)

    async def listen_until_it_fails() -> None:
        async with Valkey(engine.address).listen(on_message=ear.on_message, on_up=ear.on_up):
            await ear.hears(1)
            failure.set_exception(ValkeyAway("lost"))
            for _ in range(turns):
                await asyncio.sleep(0)

    listening = asyncio.create_task(listen_until_it_fails())
    done, _ = await asyncio.wait({listening}, timeout=5)
    assert done, "it still listens"
    await listening
