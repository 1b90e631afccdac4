"""Strict reading of JSON: text that every reader understands in the same way, or Malformed.

Python's json module, and python-jose with it, accepts more than RFC 8259 calls interoperable, so nothing reaches them
that did not pass here.
"""

import json
import math

MAX_DEPTH = 8


class Malformed(ValueError):
    """These bytes are not what they should be."""


def read_object(data: bytes) -> dict[str, object]:
    """As read_json, but nothing else than an object."""
    value = read_json(data)
    if not isinstance(value, dict):
        raise Malformed
    return value


def read_json(data: bytes) -> object:
    """Decode shallow JSON in UTF-8: no member twice, only finite numbers, only text that can be encoded."""
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
