"""KeySet: which answers are a key set, and which keys of it are used."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.auth.keys import FRESH_AGE, MAX_BODY, KeySet, read_key_set
from app.auth.strict_json import Malformed
from app.errors import Unavailable
from tests.auth.forge import (
    KID,
    RFC_7638_KEY,
    URL,
    Answer,
    Clock,
    Endpoint,
    Forge,
    as_json,
    public_jwk,
    refusing,
)

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
