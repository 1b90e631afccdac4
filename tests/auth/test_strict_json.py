"""Strict JSON: read_json accepts what json accepts, but for what parsers read differently."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, dictionaries, floats, integers, lists, none, recursive, text

from app.auth.strict_json import MAX_DEPTH, MAX_MEMBERS, Malformed, read_json

VALUES = recursive(
    none() | booleans() | integers() | floats(allow_nan=False, allow_infinity=False) | text(),
    lambda children: lists(children, max_size=3) | dictionaries(text(), children, max_size=3),
    max_leaves=8,
)


def depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    for escaped in (True, False):
        data = json.dumps(value, ensure_ascii=escaped).encode()
        if depth(value) > MAX_DEPTH:
            with pytest.raises(Malformed):
                read_json(data)
        else:
            assert read_json(data) == value


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_the_depth_is_limited(opening: str) -> None:
    closing = opening.replace('"a":', "")[::-1].translate({ord("["): "]", ord("{"): "}"})
    count = MAX_DEPTH // len(closing)
    assert read_json(f"{opening * count}1{closing * count}".encode())
    for deeper in (count + 1, 500, 100_000):
        with pytest.raises(Malformed):
            read_json(f"{opening * deeper}1{closing * deeper}".encode())
    assert read_json(f"[{','.join(['[]'] * 50)}]".encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "[1e999]", '{"a":NaN}'])
def test_numbers_are_finite(number: str) -> None:
    with pytest.raises(Malformed):
        read_json(number.encode())
    assert math.isclose(float(str(read_json(b"1.5e300"))), 1.5e300)


@pytest.mark.parametrize("surrogate", [r"\ud800", r"\uDFFF", r"x\udc00y", r"\ude00\ud83d"])
def test_texts_have_no_lone_surrogates(surrogate: str) -> None:
    for data in (f'"{surrogate}"', f'["{surrogate}"]', f'{{"{surrogate}":1}}', f'{{"a":["{surrogate}"]}}'):
        with pytest.raises(Malformed):
            read_json(data.encode())
    assert read_json(rb'"\ud83d\ude00\\ud800"') == "😀\\ud800"


@pytest.mark.parametrize(
    "data", [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":1}', b'[{"b":{"a":1,"a":2}}]', b"\xff", b"", b"\xef\xbb\xbf1"]
)
def test_members_are_unique_and_bytes_are_utf_8(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_json(data)


@pytest.mark.parametrize("shape", ["%s", '{"a":%s}', "[%s]"])
def test_the_members_of_an_object_are_limited(shape: str) -> None:
    def data(count: int) -> bytes:
        return (shape % json.dumps({str(n): n for n in range(count)})).encode()

    assert read_json(data(MAX_MEMBERS))
    with pytest.raises(Malformed):
        read_json(data(MAX_MEMBERS + 1))
