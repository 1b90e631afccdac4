"""CacheSpec: which values a cache holds, how they are loaded and stored, and how long they live."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

NEGATIVE_TTL = 30.0
"""Longest time in seconds for which the absence of a value is cached."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Codec(Generic[V]):
    """The bytes of values in Valkey."""

    serialize: Callable[[V], bytes]
    """Must not return empty bytes, which stand for absence."""
    deserialize: Callable[[bytes], V]
    """May raise ValueError or TypeError, which makes the value a miss: another version may have stored it."""


@dataclass(frozen=True, slots=True)
class CacheSpec(Generic[K, V]):
    """The values of one cache. `load` returns those of the keys that have a value; absence is cached, too."""

    name: str
    load: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]
    parse_key: Callable[[str], K]
    """Reads back what `str` makes of a key; raises ValueError if the text is none."""
    ttl: float
    """The longest time in seconds that a value lives."""
    ttl_by_value: Callable[[V], float] | None = None
    """Seconds that a certain value lives, where that is less than `ttl`."""
    codec: Codec[V] | None = None
    """Processes share the values through Valkey if there is one, and no invalidated value is read even for a moment.

    Without a codec values stay in the process, where nothing that is written to Valkey can change them.
    """
    stale_if_error: bool = False
    """The last known value is served while the source fails (stale-if-error of RFC 5861)."""

    def ttl_of(self, value: V | None) -> float:
        """Return the seconds that this value, or its absence, lives."""
        if value is None:
            return min(self.ttl, NEGATIVE_TTL)
        return self.ttl if self.ttl_by_value is None else min(self.ttl, self.ttl_by_value(value))
