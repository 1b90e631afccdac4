"""KeySet while its endpoint is down, hangs or is slow."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from app.auth.keys import FRESH_AGE, KeySet
from app.errors import Unauthenticated, Unavailable
from tests.auth.forge import KID, NOW, Clock, Endpoint, Forge, bearer, public_jwk, settle
from tests.tools.own_time import now

HOUR = 3600


async def test_an_outage_at_the_start_is_unavailable_and_fetches_once_in_ten_seconds(
    keys: KeySet, endpoint: Endpoint, clock: Clock, forge: Forge
) -> None:
    endpoint.break_down()
    for _ in range(100):
        with pytest.raises(Unavailable):
            await keys.find(KID)
        with pytest.raises(Unavailable):
            await keys.check()
    assert endpoint.calls == 1
    endpoint.publish(public_jwk(forge.key))
    clock.now += 10
    await keys.check()
    assert await keys.find(KID)
    assert endpoint.calls == 2


async def test_a_valid_token_is_unavailable_and_a_bad_one_unauthenticated_during_an_outage_at_the_start(
    endpoint: Endpoint, clock: Clock, forge: Forge
) -> None:
    endpoint.break_down()
    verifier = endpoint.verifier(clock)
    with pytest.raises(Unavailable) as outage:
        await verifier.verify(bearer(forge.token()))
    assert (outage.value.status, outage.value.retry_after) == (503, 1)
    with pytest.raises(Unauthenticated):
        await verifier.verify(bearer(forge.token(token_use="id")))


async def test_the_last_good_set_serves_for_a_day_of_outage(keys: KeySet, endpoint: Endpoint, clock: Clock) -> None:
    await keys.check()
    endpoint.break_down()
    while clock.now < NOW + 24 * HOUR - 60:
        clock.now += 60
        assert await keys.find(KID)
        await settle()
    assert endpoint.calls > 100
    clock.now = NOW + 24 * HOUR
    with pytest.raises(Unavailable):
        await keys.find(KID)
    with pytest.raises(Unavailable):
        await keys.check()


async def test_an_endpoint_that_hangs_after_four_minutes_delays_only_the_first(
    keys: KeySet, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.check()
    monkeypatch.setattr("app.auth.keys.FETCH_TIMEOUT", 0.01)
    endpoint.gate = asyncio.Event()
    clock.now += FRESH_AGE
    assert await keys.find(KID)
    clock.now += 10
    monkeypatch.setattr("app.auth.keys.FETCH_TIMEOUT", 60)
    async with asyncio.timeout(1):
        assert await keys.find(KID)
    await settle()
    assert endpoint.calls == 3
    await keys.aclose()


async def test_an_unknown_id_during_an_outage_is_unavailable_for_it_may_be_a_new_key(
    keys: KeySet, endpoint: Endpoint, clock: Clock, forge: Forge
) -> None:
    await keys.check()
    endpoint.break_down()
    clock.now += 10
    for _ in range(3):
        with pytest.raises(Unavailable):
            await keys.find("new")
    endpoint.publish(public_jwk(forge.key))
    clock.now += 10
    assert await keys.find("new") is None
    assert endpoint.calls == 3


async def test_a_fetch_from_a_hanging_endpoint_ends_at_its_deadline(
    keys: KeySet, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.keys.FETCH_TIMEOUT", 0.01)
    endpoint.gate = asyncio.Event()
    asked = now()
    with pytest.raises(Unavailable):
        await keys.find(KID)
    assert now() - asked < 0.5


async def test_a_slow_endpoint_is_waited_for_behind_the_requests(
    keys: KeySet, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.keys.WAIT_SECONDS", 0.01)
    endpoint.gate = asyncio.Event()
    for _ in range(3):
        with pytest.raises(Unavailable, match="key set of the token issuer") as error:
            await keys.find(KID)
        assert "no answer yet" in error.value.remedy
    endpoint.gate.set()
    await settle()
    assert await keys.find(KID)
    assert endpoint.calls == 1


async def test_a_fetch_of_an_endless_body_ends_at_its_deadline(
    keys: KeySet, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0)
                yield b" "

    monkeypatch.setattr("app.auth.keys.FETCH_TIMEOUT", 0.01)
    monkeypatch.setattr("app.auth.keys.MAX_BODY", 10**9)
    endpoint.answer = lambda _: httpx.Response(200, stream=Dripping())
    with pytest.raises(Unavailable):
        await keys.find(KID)
