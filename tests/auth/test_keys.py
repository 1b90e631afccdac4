"""KeySet: how often it fetches, and which requests wait for that."""

import asyncio
import random
from contextlib import suppress

import httpx
import pytest

from app.auth.keys import FRESH_AGE, KeySet
from app.auth.tokens import CHECK_INTERVAL
from app.errors import Unauthenticated, Unavailable
from tests.auth.forge import KID, NOW, URL, Clock, Endpoint, Forge, as_json, bearer, header, public_jwk, settle

HOUR = 3600


async def test_nothing_is_fetched_before_it_is_needed(endpoint: Endpoint, clock: Clock) -> None:
    keys = KeySet(URL, endpoint.client(), clock)
    await settle()
    assert endpoint.calls == 0
    await keys.check()
    assert endpoint.calls == 1


async def test_concurrent_requests_share_a_fetch(keys: KeySet, endpoint: Endpoint) -> None:
    endpoint.gate = asyncio.Event()
    asking = asyncio.gather(*(keys.find(KID) for _ in range(1000)), *(keys.check() for _ in range(10)))
    await settle()
    endpoint.gate.set()
    assert all((await asking)[:1000])
    assert endpoint.calls == 1


async def test_the_fetch_sends_no_credentials_and_has_a_timeout(keys: KeySet, endpoint: Endpoint) -> None:
    await keys.check()
    request = endpoint.requests[0]
    assert (request.method, str(request.url)) == ("GET", URL)
    assert request.headers["accept-encoding"] == "identity"
    assert "authorization" not in request.headers
    assert request.extensions["timeout"] == {"connect": 1.0, "read": 8.0, "write": 8.0, "pool": 8.0}


async def test_the_key_set_is_kept_for_three_minutes(keys: KeySet, endpoint: Endpoint, clock: Clock) -> None:
    for _ in range(180):
        await keys.find(KID)
        clock.now += 0.99
    await settle()
    assert endpoint.calls == 1
    clock.now += 3
    await keys.find(KID)
    await settle()
    assert endpoint.calls == 2


async def test_an_unchanged_key_set_is_asked_for_by_its_etag(
    keys: KeySet, endpoint: Endpoint, clock: Clock, forge: Forge
) -> None:
    body, etag = as_json({"keys": [public_jwk(forge.key)]}), '"one"'

    def answer(request: httpx.Request) -> httpx.Response:
        is_known = request.headers.get("if-none-match") == etag
        return httpx.Response(304 if is_known else 200, content=b"" if is_known else body, headers={"etag": etag})

    endpoint.answer = answer
    for _ in range(3):
        assert await keys.find(KID)
        clock.now += FRESH_AGE
    assert [request.headers.get("if-none-match") for request in endpoint.requests] == [None, etag, etag]
    body, etag = as_json({"keys": [public_jwk(forge.stranger, "new")]}), '"two"'
    assert await keys.find(KID) is None
    assert await keys.find("new")
    assert endpoint.calls == 4


async def test_not_modified_without_a_key_set_is_an_outage(keys: KeySet, endpoint: Endpoint) -> None:
    endpoint.answer = lambda _: httpx.Response(304, headers={"etag": '"one"'})
    with pytest.raises(Unavailable):
        await keys.find(KID)


@pytest.mark.parametrize("seed", range(5))
async def test_a_withdrawn_key_works_for_ten_minutes_at_most(
    endpoint: Endpoint, clock: Clock, forge: Forge, seed: int
) -> None:
    """Whatever the requests before: some of one token, some of others, and all at random times."""
    chance = random.Random(seed)  # noqa: S311  # chooses among test data, and can be repeated
    verifier = endpoint.verifier(clock)
    tokens = [bearer(forge.token(jti=str(number), exp=NOW + 3 * HOUR)) for number in range(4)]
    for _ in range(50):
        await verifier.verify(chance.choice(tokens))
        await settle()
        clock.now += chance.random() * 60
    endpoint.publish(public_jwk(forge.stranger, "new"))
    withdrawn_at = clock.now
    while clock.now - withdrawn_at < 600 - CHECK_INTERVAL:  # which streams need in addition
        with suppress(Unauthenticated):
            await verifier.verify(chance.choice(tokens))
        await settle()
        clock.now += chance.random() * 20
    for token in tokens:
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)


async def test_a_refresh_ahead_of_expiry_delays_no_request(keys: KeySet, endpoint: Endpoint, clock: Clock) -> None:
    await keys.check()
    endpoint.gate = asyncio.Event()
    clock.now += 239
    for _ in range(10):
        assert await keys.find(KID)
    await settle()
    assert endpoint.calls == 2
    endpoint.gate.set()
    await settle()
    clock.now += 170
    await keys.check()
    assert endpoint.calls == 2


async def test_after_four_idle_minutes_a_request_waits_for_the_new_set(
    keys: KeySet, endpoint: Endpoint, clock: Clock, forge: Forge
) -> None:
    await keys.check()
    endpoint.publish(public_jwk(forge.stranger, "new"))
    clock.now += FRESH_AGE
    assert await keys.find(KID) is None
    assert await keys.find("new")
    assert endpoint.calls == 2


@pytest.mark.parametrize("together", [True, False])
async def test_ten_thousand_unknown_key_ids_cause_a_single_fetch_in_ten_seconds(
    keys: KeySet, endpoint: Endpoint, clock: Clock, together: bool
) -> None:
    await keys.check()
    clock.now += 10
    asked = [keys.find(f"unknown-{number}") for number in range(10_000)]
    found = await asyncio.gather(*asked) if together else [await one for one in asked]
    assert set(found) == {None}
    assert endpoint.calls == 2
    clock.now += 10 - 0.001
    assert await keys.find("unknown") is None
    assert endpoint.calls == 2
    clock.now += 0.001
    assert await keys.find("unknown") is None
    assert endpoint.calls == 3


async def test_known_key_ids_pass_while_an_unknown_id_waits(keys: KeySet, endpoint: Endpoint, clock: Clock) -> None:
    await keys.check()
    clock.now += 10
    endpoint.gate = asyncio.Event()
    waiting = asyncio.create_task(keys.find("unknown"))
    await settle()
    assert await keys.find(KID)
    assert not waiting.done()
    endpoint.gate.set()
    assert await waiting is None


@pytest.mark.parametrize("since_last_fetch", [0, 9, 10, 170])
async def test_a_rotated_key_works_within_ten_seconds(
    keys: KeySet, endpoint: Endpoint, clock: Clock, forge: Forge, since_last_fetch: float
) -> None:
    await keys.check()
    clock.now += since_last_fetch
    endpoint.publish(public_jwk(forge.key), public_jwk(forge.stranger, "new"))
    await keys.find("new")
    clock.now += 10
    assert await keys.find("new")
    assert await keys.find(KID)
    assert endpoint.calls == 2


async def test_a_token_of_the_new_key_passes_at_its_first_request(
    endpoint: Endpoint, clock: Clock, forge: Forge
) -> None:
    verifier = endpoint.verifier(clock)
    await verifier.verify(bearer(forge.token()))
    endpoint.publish(public_jwk(forge.stranger, "new"))
    clock.now += 10
    await verifier.verify(bearer(forge.token(header(kid="new"), key=forge.stranger)))


async def test_a_waiting_request_that_is_cancelled_leaves_the_fetch_to_the_others(
    keys: KeySet, endpoint: Endpoint
) -> None:
    endpoint.gate = asyncio.Event()
    first, second = asyncio.create_task(keys.find(KID)), asyncio.create_task(keys.find(KID))
    await settle()
    first.cancel()
    await settle()
    endpoint.gate.set()
    assert await second
    assert first.cancelled()
    assert endpoint.calls == 1


async def test_closing_cancels_a_running_fetch(keys: KeySet, endpoint: Endpoint) -> None:
    endpoint.gate = asyncio.Event()
    waiting = asyncio.create_task(keys.find(KID))
    await settle()
    await keys.aclose()
    with pytest.raises(Unavailable):
        await waiting
    assert not [task for task in asyncio.all_tasks() if "_refresh" in repr(task)]


async def test_closing_without_a_fetch_succeeds(keys: KeySet) -> None:
    await keys.aclose()
