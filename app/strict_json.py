"""Strict JSON: text that all parsers read in the same way, or Malformed.

Python's json module, and with it python-jose, accepts more than RFC 8259 calls interoperable. They get only input that
has passed here.
"""

import json
import math

MAX_DEPTH = 8


class Malformed(ValueError):
    """The bytes do not have the expected form."""


def read_object(data: bytes) -> dict[str, object]:
    """Return the object that strict JSON describes. Raises Malformed, also for another kind of value."""
    value = read_json(data)
    if not isinstance(value, dict):
        raise Malformed
    return value


def read_json(data: bytes) -> object:
    """Return the value of JSON in UTF-8. Raises Malformed for duplicate members, NaN, lone surrogates, deep nesting."""
    try:
        value: object = _DECODER.decode(data.decode())
        if _is_sound(value, MAX_DEPTH):
            return value
    except (ValueError, RecursionError):
        pass
    raise Malformed


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates)


def _is_sound(value: object, depth: int) -> bool:
    match value:
        case str():
            value.encode()  # a lone surrogate is a ValueError
            return True
        case float():
            return math.isfinite(value)  # NaN and Infinity arrive here too
        case dict():
            return depth > 0 and all(_is_sound(part, depth - 1) for member in value.items() for part in member)
        case list():
            return depth > 0 and all(_is_sound(part, depth - 1) for part in value)
    return True
