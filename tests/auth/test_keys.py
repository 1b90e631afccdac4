"""KeySet: how often it fetches, what it believes, and what it does while the endpoint is down."""

import asyncio
import gzip
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.auth.keys import FRESH_AGE, MAX_BODY, KeySet, read_key_set
from app.auth.tokens import CHECK_INTERVAL
from app.errors import Unauthenticated, Unavailable
from app.strict_json import Malformed
from tests.auth.forge import (
    KID,
    NOW,
    RFC_7638_KEY,
    Answer,
    Clock,
    Endpoint,
    Forge,
    as_json,
    bearer,
    header,
    public_jwk,
    refusing,
)
from tests.tools.own_time import now

URL = "https://pool.example/keys"
HOUR = 3600


@pytest.fixture
def keys(endpoint: Endpoint, clock: Clock) -> KeySet:
    return KeySet(URL, endpoint.client(), clock)


async def settle() -> None:
    """Let background fetches run to their end."""
    for _ in range(20):
        await asyncio.sleep(0)


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
    chance = random.Random(seed)  # noqa: S311  # repeatable
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


GOOD_SET = {"keys": [RFC_7638_KEY]}


def _body(content: bytes) -> Answer:
    return lambda _: httpx.Response(200, content=content)


def _raise(_: httpx.Request) -> httpx.Response:
    raise RuntimeError("a bug in a transport")


BAD_ANSWERS: dict[str, Answer] = {
    "refused": refusing,
    "a bug": _raise,
    "no content": _body(b""),
    "not JSON": _body(b"<html></html>"),
    "an array": _body(b"[]"),
    "no keys": _body(b"{}"),
    "empty set": _body(b'{"keys":[]}'),
    "keys an object": _body(b'{"keys":{}}'),
    "keys null": _body(b'{"keys":null}'),
    "keys of other kinds": _body(b'{"keys":[1,null,"a",[],{}]}'),
    "keys twice": _body(b'{"keys":[],"keys":[]}'),
    "deep": _body(b'{"keys":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    "not utf-8": _body(b'{"keys":["\xff"]}'),
    "too large": _body(b'{"keys":[' + b" " * MAX_BODY + b"]}"),
    "created": lambda _: httpx.Response(201, json=GOOD_SET),
    "redirect": lambda _: httpx.Response(302, headers={"location": "https://evil.example/keys"}, json=GOOD_SET),
    "not found": lambda _: httpx.Response(404, json=GOOD_SET),
    "broken": lambda _: httpx.Response(500, json=GOOD_SET),
    "compressed": lambda _: httpx.Response(
        200, headers={"content-encoding": "gzip"}, content=gzip.compress(as_json(GOOD_SET))
    ),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_a_bad_answer_is_an_outage_and_never_replaces_a_good_set(
    keys: KeySet, endpoint: Endpoint, clock: Clock, answer: Answer
) -> None:
    good, endpoint.answer = endpoint.answer, answer
    with pytest.raises(Unavailable):
        await keys.check()
    endpoint.answer = good
    clock.now += 10
    await keys.check()
    endpoint.answer = answer
    clock.now += FRESH_AGE
    assert await keys.find(KID)
    with pytest.raises(Unavailable):
        await keys.find(str(RFC_7638_KEY["kid"]))
    assert [str(request.url) for request in endpoint.requests] == [URL] * 3


async def test_redirects_are_not_followed_even_if_the_client_would(clock: Clock) -> None:
    endpoint = Endpoint(BAD_ANSWERS["redirect"])
    client = httpx.AsyncClient(transport=httpx.MockTransport(endpoint), follow_redirects=True)
    with pytest.raises(Unavailable):
        await KeySet(URL, client, clock).check()
    assert endpoint.calls == 1


async def test_a_large_body_is_not_read_to_its_end(keys: KeySet, endpoint: Endpoint) -> None:
    sent = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1024
                yield b" " * 1024

    endpoint.answer = lambda _: httpx.Response(200, stream=Endless())
    with pytest.raises(Unavailable):
        await keys.check()
    assert sent <= MAX_BODY + 1024


UNFIT: dict[str, dict[str, Any]] = {
    "for encryption": {"use": "enc"},
    "use null": {"use": None},
    "other algorithm": {"alg": "RS512"},
    "other kind": {"kty": "EC"},
    "symmetric": {"kty": "oct", "k": "c2VjcmV0"},
    "no id": {"kid": None},
    "empty id": {"kid": ""},
    "long id": {"kid": "k" * 129},
    "id of another type": {"kid": [KID]},
    "no modulus": {"n": None},
    "modulus padded": {"n": "AQ=="},
    "modulus in the standard alphabet": {"n": "+/+/"},
    "1,024 bits": {"n": "_" * 170 + "8"},
    "16,384 bits": {"n": "_" * 2730 + "w"},
    "no exponent": {"e": None},
    "exponent of another type": {"e": 65537},
    "exponent zero": {"e": "AA"},
    "exponent one": {"e": "AQ"},
    "exponent even": {"e": "BA"},
    "exponent huge": {"e": "_" * 8},
}


def test_the_good_set_of_the_bad_answers_is_good() -> None:
    assert list(read_key_set(as_json(GOOD_SET))) == [RFC_7638_KEY["kid"]]


@pytest.mark.parametrize("changes", UNFIT.values(), ids=UNFIT)
def test_an_unfit_key_is_skipped(forge: Forge, changes: dict[str, Any]) -> None:
    unfit = public_jwk(forge.stranger, **{"kid": "unfit", **changes})
    assert list(read_key_set(as_json({"keys": [unfit, public_jwk(forge.key)]}))) == [KID]
    with pytest.raises(Malformed):
        read_key_set(as_json({"keys": [unfit]}))


def test_optional_and_unknown_members_follow_rfc_7517(forge: Forge) -> None:
    plain = {name: value for name, value in public_jwk(forge.key).items() if name not in {"use", "alg"}}
    assert list(read_key_set(as_json({"keys": [plain | {"x5t": "x", "key_ops": ["verify"]}], "extra": 1}))) == [KID]


def test_a_private_key_is_used_as_public(forge: Forge) -> None:
    (key,) = read_key_set(as_json({"keys": [public_jwk(forge.key, d="AQAB", p="Aw")]})).values()
    assert key.to_dict()["n"] == public_jwk(forge.key)["n"]
    assert "d" not in key.to_dict()


def test_of_two_keys_with_the_same_id_the_first_is_used(forge: Forge) -> None:
    keys = read_key_set(as_json({"keys": [public_jwk(forge.key), public_jwk(forge.stranger)]}))
    assert keys[KID].to_dict()["n"] == public_jwk(forge.key)["n"]


def test_elliptic_curve_keys_are_ignored(forge: Forge) -> None:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    curve = {"kty": "EC", "kid": "ec", "crv": "P-256", "x": str(numbers.x), "y": str(numbers.y)}
    assert list(read_key_set(as_json({"keys": [curve, public_jwk(forge.key)]}))) == [KID]
