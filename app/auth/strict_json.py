"""Strict JSON: text that all parsers read in the same way, or Malformed.

Python's json module, and with it python-jose, accepts more than RFC 8259 calls interoperable. They get only input that
has passed here.
"""

import json
import math

MAX_DEPTH = 8
MAX_MEMBERS = 200
"""Members of an object. Each that is wrong is a defect to describe, and 16 KiB have room for thousands."""


class Malformed(ValueError):
    """The bytes do not have the expected form."""


def read_object(data: bytes) -> dict[str, object]:
    """Return the object that strict JSON describes. Raises Malformed, also for another kind of value."""
    value = read_json(data)
    if not isinstance(value, dict):
        raise Malformed
    return value


def read_json(data: bytes) -> object:
    """Return the value of JSON in UTF-8.

    Raises Malformed for duplicate members or more than 200, NaN, lone surrogates and deep nesting.
    """
    try:
        value: object = _DECODER.decode(data.decode())
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()  # raises for a lone surrogate, which only an escape can make
    except (ValueError, RecursionError):
        raise Malformed from None
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise Malformed
    return value


def _bounded_without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs) or len(members) > MAX_MEMBERS:
        raise Malformed
    return members


def _finite(text: str) -> float:
    """Return the number, or raise Malformed: NaN and Infinity arrive here too, and 1e400."""
    number = float(text)
    if not math.isfinite(number):
        raise Malformed
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_bounded_without_duplicates, parse_float=_finite, parse_constant=_finite)


def _is_deeper(value: object, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return depth == 0 or any(
        _is_deeper(part, depth - 1) for part in (value.values() if isinstance(value, dict) else value)
    )
