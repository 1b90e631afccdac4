"""The Valkey gateway against a real server that is killed, stopped and refused."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app.gateways.valkey import (
    BREAKER_SECONDS,
    CALL_SECONDS,
    Endpoint,
    Valkey,
    ValkeyUnavailable,
    open_valkey,
)
from app.gateways.valkey.feed import IDLE_TIMEOUT, PING_INTERVAL, Feed
from app.gateways.valkey.multiplexer import HANG_SECONDS
from app.gateways.valkey.subscriber import CONFIRM_SECONDS, Subscriber
from app.settings import ValkeySettings
from scripts.engines.valkey import Valkey as Engine
from tests.fixtures.engines import running_valkey
from tests.tools.clock import Clock
from tests.tools.own_time import now

SLACK = 0.5
"""Seconds that a loaded machine may add to a deadline."""


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
    """A server that the test may kill or stop."""
    with running_valkey() as engine:
        yield engine


@pytest.fixture
async def fragile(engine: Engine, clock: Clock) -> AsyncIterator[Valkey]:
    """A client of that server, connected."""
    valkey = Valkey(engine.address, clock=clock)
    await connected(valkey, clock)
    yield valkey
    await valkey.aclose()


async def connected(valkey: Valkey, clock: Clock) -> None:
    """Return when a call succeeds: connecting may take a loaded machine longer than a call may."""
    for _ in range(100):
        try:
            await valkey.call("PING")
        except ValkeyUnavailable:
            clock.now += BREAKER_SECONDS
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("no connection")


def restart(engine: Engine) -> None:
    engine.child.stop(signal.SIGKILL, seconds=2)
    engine.start()
    engine.wait_until_ready()


async def refused(valkey: Valkey) -> float:
    """Return the seconds after which a call raised ValkeyUnavailable."""
    started = now()
    with pytest.raises(ValkeyUnavailable):
        await valkey.call("PING")
    return now() - started


async def test_replies_come_in_the_order_of_their_commands(valkey: Valkey) -> None:
    key = f"key-{uuid4()}"
    assert await valkey.calls([("SET", key, b"\x00\r\n"), ("GET", key), ("GET", "none"), ("DEL", key, "none")]) == [
        b"OK",
        b"\x00\r\n",
        None,
        1,
    ]
    assert await valkey.call("ECHO", "é") == "é".encode()
    assert await valkey.call("ECHO", "x" * 200_000) == b"x" * 200_000


async def test_the_url_scheme_valkey_works_like_redis(valkey_url: str) -> None:
    valkey = Valkey(valkey_url.replace("redis://", "valkey://"), call_seconds=1)
    assert await valkey.call("PING") == b"PONG"
    await valkey.aclose()


async def test_a_thousand_concurrent_calls_get_their_own_replies(valkey: Valkey) -> None:
    replies = await asyncio.gather(*(valkey.call("ECHO", number) for number in range(1000)))
    assert replies == [str(number).encode() for number in range(1000)]
    assert await valkey.call("CLIENT", "GETNAME") == b"cruddur-messages"


async def test_cancelled_calls_leave_the_connection_and_other_replies_intact(valkey: Valkey) -> None:
    """The next caller must not read the replies to the cancelled call."""

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(valkey.calls([("ECHO", f"gone {number}"), ("ECHO", "gone")]))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def echoed(number: int) -> None:
        await asyncio.sleep(0.0001 * (number % 5))
        assert await valkey.call("ECHO", number) == str(number).encode()

    identity = await valkey.call("CLIENT", "ID")
    await asyncio.gather(*(work(number) for number in range(500) for work in (cancelled, echoed)))
    assert await valkey.call("CLIENT", "ID") == identity


async def test_an_error_reply_opens_the_breaker(valkey: Valkey, clock: Clock) -> None:
    with pytest.raises(ValkeyUnavailable):
        await valkey.calls([("ECHO", "a"), ("NONSENSE",), ("ECHO", "b")])
    assert await refused(valkey) < SLACK
    clock.now += BREAKER_SECONDS
    assert await valkey.call("ECHO", "c") == b"c"


async def test_a_killed_server_is_not_called_for_five_seconds_and_then_used_again(
    fragile: Valkey, engine: Engine, clock: Clock
) -> None:
    engine.child.stop(signal.SIGKILL, seconds=2)
    assert await refused(fragile) < CALL_SECONDS + SLACK
    restart(engine)
    clock.now += BREAKER_SECONDS - 0.001
    assert await refused(fragile) < SLACK
    clock.now += 0.001
    await connected(fragile, clock)


async def test_a_hanging_server_costs_one_call_timeout_and_one_per_attempt_to_connect(
    fragile: Valkey, engine: Engine, clock: Clock
) -> None:
    os.kill(engine.child.pid, signal.SIGSTOP)
    waits = await asyncio.gather(*(refused(fragile) for _ in range(20)))
    assert CALL_SECONDS * 0.9 < min(waits) <= max(waits) < CALL_SECONDS + SLACK
    for _ in range(2):
        started = now()
        for _ in range(1000):
            await refused(fragile)
        assert now() - started < CALL_SECONDS + SLACK
        await asyncio.sleep(HANG_SECONDS)
        clock.now += BREAKER_SECONDS
    os.kill(engine.child.pid, signal.SIGCONT)
    clock.now += BREAKER_SECONDS
    await connected(fragile, clock)


async def test_late_replies_cost_neither_the_connection_nor_later_calls(fragile: Valkey, clock: Clock) -> None:
    """One slow answer used to close the connection, and all events of the next five seconds were lost."""
    identity = await fragile.call("CLIENT", "ID")
    paused = fragile.submit([("CLIENT", "PAUSE", int(CALL_SECONDS * 4000), "ALL")])
    late = fragile.submit([("INCR", "late")])
    await asyncio.sleep(0)
    assert await refused(fragile) < CALL_SECONDS + SLACK
    assert (await paused, await late) == ([b"OK"], [1])
    assert await fragile.call("CLIENT", "ID") == identity
    assert clock.now < BREAKER_SECONDS
    assert fragile.fault is None


async def test_a_connection_that_the_server_closes_is_made_anew(fragile: Valkey, engine: Engine, clock: Clock) -> None:
    other = Valkey(engine.address, call_seconds=1)
    assert await other.call("CLIENT", "KILL", "TYPE", "normal") == 1
    await refused(fragile)
    clock.now += BREAKER_SECONDS
    await connected(fragile, clock)
    await other.aclose()


async def test_without_a_server_or_with_a_wrong_password_opening_succeeds(engine: Engine) -> None:
    wrong = engine.address.replace("redis://:", "redis://:x")
    for url in ("redis://127.0.0.1:1", wrong):
        async with open_valkey(ValkeySettings(environment="test", valkey_url=url)) as valkey:
            assert valkey
            assert await refused(valkey) < CALL_SECONDS + SLACK
    async with open_valkey(ValkeySettings()) as nothing:
        assert nothing is None


async def test_a_server_with_full_memory_evicts_old_keys(engine: Engine) -> None:
    valkey = Valkey(engine.address, call_seconds=5)
    for number in range(90):
        assert await valkey.call("SET", f"key-{number}", b"x" * 1_000_000) == b"OK"
    assert 30 < await valkey.call("DBSIZE") < 70
    assert await valkey.call("GET", "key-89")
    await valkey.aclose()


class Recorder:
    """Records the callbacks of a subscriber, in order."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes] | str] = []
        self.changed = asyncio.Event()

    def on_message(self, channel: str, payload: bytes) -> None:
        self._note((channel, payload))

    def on_lost(self, channel: str) -> None:
        self._note(("lost", channel.encode()))

    def on_down(self) -> None:
        self._note("down")

    def on_up(self) -> None:
        self._note("up")

    def _note(self, what: tuple[str, bytes] | str) -> None:
        self.received.append(what)
        self.changed.set()

    async def receives(self, count: int, *, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def subscriber(engine: Engine, fragile: Valkey, recorder: Recorder) -> AsyncIterator[Subscriber]:  # noqa: ARG001  # started
    async with fragile.listen(
        on_message=recorder.on_message, on_down=recorder.on_down, on_up=recorder.on_up
    ) as subscriber:
        await recorder.receives(1)
        yield subscriber


async def publish(engine: Engine, channel: str, *payloads: str) -> list[int]:
    valkey = Valkey(engine.address, call_seconds=5)
    try:
        return await valkey.calls([("SPUBLISH", channel, payload) for payload in payloads])
    finally:
        await valkey.aclose()


async def test_messages_are_received_in_order_until_unsubscribing(
    engine: Engine, subscriber: Subscriber, recorder: Recorder
) -> None:
    await asyncio.gather(*(subscriber.subscribe(f"user:{number}") for number in range(300)))
    assert await publish(engine, "user:7", *map(str, range(500))) == [1] * 500
    await recorder.receives(501)
    assert recorder.received == ["up", *(("user:7", str(number).encode()) for number in range(500))]
    await subscriber.unsubscribe("user:7")
    assert await publish(engine, "user:7", "unsubscribed") == [0]
    assert await publish(engine, "user:8", "subscribed") == [1]


async def test_subscriptions_change_while_messages_come(
    engine: Engine, subscriber: Subscriber, recorder: Recorder
) -> None:
    await subscriber.subscribe("busy")
    changes = [subscriber.subscribe("other"), subscriber.unsubscribe("other"), subscriber.subscribe("other")]
    await asyncio.gather(publish(engine, "busy", *map(str, range(200))), *changes)
    cancelled = asyncio.create_task(subscriber.subscribe("cancelled"))
    await asyncio.sleep(0)
    cancelled.cancel()
    await subscriber.subscribe("last")
    assert [await publish(engine, name, "x") for name in ("other", "last")] == [[1], [1]]
    await recorder.receives(203)


async def test_after_a_kill_the_subscriber_resubscribes_and_goes_up(
    engine: Engine, subscriber: Subscriber, recorder: Recorder
) -> None:
    await subscriber.subscribe("one")
    engine.child.stop(signal.SIGKILL, seconds=2)
    await recorder.receives(2)
    with pytest.raises(ValkeyUnavailable):
        await subscriber.subscribe("two")
    with pytest.raises(ValkeyUnavailable):
        await subscriber.unsubscribe("one")
    restart(engine)
    await recorder.receives(3, seconds=10)
    assert await publish(engine, "one", "x") == [0]
    assert await publish(engine, "two", "x") == [1]
    await recorder.receives(4)
    assert recorder.received == ["up", "down", "up", ("two", b"x")]


async def test_a_hanging_connection_goes_down_within_five_seconds(
    engine: Engine, subscriber: Subscriber, recorder: Recorder
) -> None:
    await subscriber.subscribe("one")
    os.kill(engine.child.pid, signal.SIGSTOP)
    started = now()
    with pytest.raises(ValkeyUnavailable):
        await subscriber.subscribe("two")
    assert now() - started < CONFIRM_SECONDS + SLACK
    await recorder.receives(2, seconds=6)
    assert now() - started < 5 + SLACK
    os.kill(engine.child.pid, signal.SIGCONT)
    await recorder.receives(3, seconds=10)
    assert await publish(engine, "two", "x") == [1]


async def test_an_idle_subscriber_stays_up(subscriber: Subscriber, recorder: Recorder) -> None:
    await asyncio.sleep(IDLE_TIMEOUT + PING_INTERVAL)
    assert subscriber.is_up
    assert recorder.received == ["up"]


@pytest.mark.parametrize("turns", range(4))
async def test_listening_ends_though_its_connection_fails_in_the_same_moment(
    engine: Engine, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """Before Python 3.13 a TaskGroup forgets the cancellation: a process that stopped as Valkey went never ended."""
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def read(_: Feed) -> None:
        await failure

    monkeypatch.setattr(Feed, "_read", read)

    async def listen_until_it_fails() -> None:
        async with Valkey(engine.address).listen(on_message=recorder.on_message, on_up=recorder.on_up):
            await recorder.receives(1)
            failure.set_exception(ValkeyUnavailable("lost"))
            for _ in range(turns):
                await asyncio.sleep(0)

    listening = asyncio.create_task(listen_until_it_fails())
    done, _ = await asyncio.wait({listening}, timeout=5)
    assert done, "it still listens"
    await listening


async def test_a_password_is_read_from_its_file_for_each_connection(
    engine: Engine, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{engine.password}\n")
    valkey = Valkey(Endpoint(f"redis://127.0.0.1:{engine.port}", file), clock=clock)
    await connected(valkey, clock)
    await valkey.call("CONFIG", "SET", "requirepass", "changed")
    await valkey.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
    file.write_text("changed")
    clock.now += BREAKER_SECONDS
    await connected(valkey, clock)
    await valkey.aclose()
