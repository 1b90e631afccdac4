"""TokenVerifier: what it accepts, what it remembers, and every way to be refused."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth.tokens import CACHE_SECONDS, MAX_HEADER_LENGTH, TOO_LONG, Claims, TokenVerifier
from app.errors import Unauthenticated, Unavailable
from tests.auth.attacks import ATTACKS, Attack
from tests.auth.forge import (
    ABSENT,
    CLIENT_ID,
    ISSUER_URL,
    NOW,
    Clock,
    Endpoint,
    Forge,
    as_json,
    bearer,
    claims,
    header,
    public_jwk,
    serving,
)

ALG_NONE = "algorithms: alg none, no signature"
JWKS_URL = f"{ISSUER_URL}/.well-known/jwks.json"
shared_fixtures = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def pool(forge: Forge) -> TokenVerifier:
    """A verifier for the properties, which share it between examples."""
    return Endpoint(serving(public_jwk(forge.key))).verifier(Clock())


async def test_a_valid_token_yields_its_claims(verifier: TokenVerifier, forge: Forge) -> None:
    told = await verifier.verify(bearer(forge.token()))
    assert told == Claims(str(claims()["sub"]), CLIENT_ID, datetime.fromtimestamp(NOW + 3540, UTC))


VALID_CLAIMS: dict[str, dict[str, Any]] = {
    "second client": {"client_id": "client-two"},
    "expired within the leeway": {"exp": NOW - 29},
    "issued ahead within the leeway": {"iat": NOW + 30},
    "not before, within the leeway": {"nbf": NOW + 30},
    "not before, past": {"nbf": 0},
    "no auth_time": {"auth_time": ABSENT},
    "odd auth_time": {"auth_time": "then"},
    "groups": {"cognito:groups": ["admins", "[]{}"]},
    "aud of the client": {"aud": CLIENT_ID, "version": 2},
    "nested claims": {"x": {"a": [{"b": [[{"c": [1.5, None, True]}]]}]}},
    "any text": {"x": "é 🙂 \u0000 \u202e"},
    "subject of another version of UUIDs": {"sub": "c1f54f5a-a0d1-7034-2b1c-0d9e6a7f8b90"},
    "longest lifetime": {"iat": NOW - 60, "exp": NOW - 60 + 24 * 3600},
    "nearly 8 KB": {"x": "x" * 5000},
}


@pytest.mark.parametrize("changes", VALID_CLAIMS.values(), ids=VALID_CLAIMS)
async def test_valid_variants_pass(verifier: TokenVerifier, forge: Forge, changes: dict[str, Any]) -> None:
    await verifier.verify(bearer(forge.token(**changes)))


async def test_typ_jwt_and_spaces_in_the_json_pass(verifier: TokenVerifier, forge: Forge) -> None:
    await verifier.verify(bearer(forge.token(header(typ="JWT"))))
    await verifier.verify(bearer(forge.raw(b" " + as_json(header()) + b"\n", b"\t" + as_json(claims()) + b" \r\n")))


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER ", "bEaReR   "])
async def test_the_case_of_the_scheme_does_not_matter(verifier: TokenVerifier, forge: Forge, prefix: str) -> None:
    await verifier.verify([prefix + forge.token()])


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_an_attack_is_unauthenticated_and_sends_nothing_out(
    verifier: TokenVerifier, endpoint: Endpoint, forge: Forge, attack: Attack
) -> None:
    await verifier.verify(bearer(forge.token()))
    authorization = attack(forge)
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refusal:
            await verifier.verify(authorization)
        assert (refusal.value.status, refusal.value.code()) == (401, "unauthenticated")
        is_too_long = len(authorization) == 1 and len(authorization[0]) > MAX_HEADER_LENGTH
        assert refusal.value.detail == (TOO_LONG if is_too_long else None)
    assert {str(asked.url) for asked in endpoint.requests} == {JWKS_URL}
    assert endpoint.calls == 1


def test_the_attack_set_is_large() -> None:
    assert len(ATTACKS) >= 150


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_an_attack_makes_a_cold_verifier_fetch_at_most_the_key_set(
    verifier: TokenVerifier, endpoint: Endpoint, forge: Forge, attack: Attack
) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(attack(forge))
    assert [str(asked.url) for asked in endpoint.requests] in ([], [JWKS_URL])


async def test_malformed_tokens_are_unauthenticated_even_without_keys(endpoint: Endpoint, forge: Forge) -> None:
    endpoint.break_down()
    verifier = endpoint.verifier(Clock())
    for authorization in (
        [],
        ["Basic eDp5"],
        ["Bearer a.b.c"],
        bearer(forge.token(header(alg="HS256"))),
        bearer(forge.token(exp=NOW - 60)),
        ATTACKS[ALG_NONE](forge),
    ):
        with pytest.raises(Unauthenticated):
            await verifier.verify(authorization)
    assert endpoint.calls == 0


@shared_fixtures
@given(data=st.data())
async def test_no_token_with_one_character_changed_verifies(
    pool: TokenVerifier, forge: Forge, data: st.DataObject
) -> None:
    token = forge.token()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(max_codepoint=0xFF).filter(lambda character: character != token[place]))
    with pytest.raises(Unauthenticated):
        await pool.verify(bearer(token[:place] + other + token[place + 1 :]))


@shared_fixtures
@given(authorization=st.lists(st.text() | st.text().map("Bearer {}".format), max_size=2))
async def test_no_header_text_crashes(pool: TokenVerifier, authorization: list[str]) -> None:
    with pytest.raises(Unauthenticated):
        await pool.verify(authorization)


@shared_fixtures
@given(head=st.binary(), payload=st.binary())
async def test_no_signed_bytes_crash(pool: TokenVerifier, forge: Forge, head: bytes, payload: bytes) -> None:
    for token in (forge.raw(head, payload), forge.payload(payload), forge.head(head)):
        with pytest.raises(Unauthenticated):
            await pool.verify(bearer(token))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@shared_fixtures
@given(name=st.sampled_from(["iss", "token_use", "client_id"]), value=JSON_VALUES)
async def test_no_other_value_of_a_fixed_claim_verifies(
    pool: TokenVerifier, forge: Forge, name: str, value: Any
) -> None:
    with pytest.raises(Unauthenticated):
        await pool.verify(bearer(forge.token(**{name: value})))


async def test_a_verified_token_is_cached_until_it_expires(verifier: TokenVerifier, forge: Forge, clock: Clock) -> None:
    authorization = bearer(forge.token(exp=NOW + 60))
    first = await verifier.verify(authorization)
    clock.now = NOW + 89.999
    assert await verifier.verify(authorization) is first
    clock.now = NOW + 90
    with pytest.raises(Unauthenticated):
        await verifier.verify(authorization)


async def test_a_cached_token_expires_by_the_clock_even_if_no_time_has_passed(
    endpoint: Endpoint, forge: Forge, clock: Clock
) -> None:
    verifier = endpoint.verifier(clock, monotonic=Clock())
    await verifier.verify(bearer(forge.token()))
    clock.now = NOW + 3570
    with pytest.raises(Unauthenticated):
        await verifier.verify(bearer(forge.token()))


async def test_a_withdrawn_key_stops_cached_tokens_within_five_minutes(
    endpoint: Endpoint, forge: Forge, clock: Clock
) -> None:
    monotonic = Clock()
    verifier = endpoint.verifier(clock, monotonic=monotonic)
    old = bearer(forge.token())
    await verifier.verify(old)
    endpoint.publish(public_jwk(forge.stranger, "new"))
    monotonic.now += CACHE_SECONDS - 1
    await verifier.verify(bearer(forge.token(header(kid="new"), key=forge.stranger)))
    await verifier.verify(old)
    monotonic.now += 1
    with pytest.raises(Unauthenticated):
        await verifier.verify(old)


async def test_a_token_in_use_is_checked_until_it_is_refused(
    endpoint: Endpoint, forge: Forge, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.tokens.CHECK_INTERVAL", 0.01)
    verifier, refused = endpoint.verifier(clock), asyncio.Event()
    token = bearer(forge.token(exp=NOW + 3540))
    await verifier.verify(token)
    async with verifier.watching(token, on_refused=refused.set):
        await asyncio.sleep(0.1)
        endpoint.break_down()
        clock.now += CACHE_SECONDS
        await asyncio.sleep(0.1)
        assert not refused.is_set(), "an outage refuses no token"
        endpoint.publish(public_jwk(forge.stranger, "new"))
        clock.now += CACHE_SECONDS
        await asyncio.sleep(0.1)  # after an outage the first request fetches behind its answer
        clock.now += CACHE_SECONDS
        await asyncio.wait_for(refused.wait(), 5)


async def test_a_cached_token_needs_no_keys(endpoint: Endpoint, forge: Forge, clock: Clock) -> None:
    verifier = endpoint.verifier(clock)
    await verifier.verify(bearer(forge.token()))
    endpoint.break_down()
    for _ in range(100):
        await verifier.verify(bearer(forge.token()))
    assert endpoint.calls == 1


async def test_the_token_cache_is_bounded(
    endpoint: Endpoint, forge: Forge, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.tokens.CACHE_SIZE", 2)
    verifier = endpoint.verifier(clock)
    first, *others = [bearer(forge.token(jti=str(number))) for number in range(3)]
    told = await verifier.verify(first)
    assert await verifier.verify(first) is told
    for other in others:
        await verifier.verify(other)
    again = await verifier.verify(first)
    assert again == told
    assert again is not told


async def test_a_refused_token_is_not_cached(verifier: TokenVerifier, forge: Forge, clock: Clock) -> None:
    early = bearer(forge.token(nbf=NOW + 60))
    with pytest.raises(Unauthenticated):
        await verifier.verify(early)
    clock.now += 30
    await verifier.verify(early)


async def test_wrong_issuers_id_tokens_early_tokens_and_basic_are_refused(
    verifier: TokenVerifier, forge: Forge
) -> None:
    good = forge.token()
    for authorization in (
        bearer(forge.token(iss="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other")),
        bearer(forge.token(token_use="id")),
        bearer(forge.token(nbf=NOW + 600)),
        bearer(forge.token(iat=NOW + 600)),
        [f"Basic {good}"],
        ["Bearer"],
        ["Bearer "],
        [good],
    ):
        with pytest.raises(Unauthenticated):
            await verifier.verify(authorization)


async def test_keys_are_fetched_once_for_many_requests_and_their_outage_is_unavailable(
    endpoint: Endpoint, forge: Forge, clock: Clock
) -> None:
    verifier = endpoint.verifier(clock)
    for number in range(20):
        await verifier.verify(bearer(forge.token(jti=str(number))))
    assert endpoint.calls == 1
    endpoint.break_down()
    with pytest.raises(Unavailable):
        await endpoint.verifier(clock).verify(bearer(forge.token()))
