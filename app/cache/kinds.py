"""What is cached, and for how long."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

NEGATIVE_SECONDS = 30.0
"""How long it is remembered that something is not there."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Kind(Generic[K, V]):
    """What is cached. `load` gives those that there are; what there is not is remembered for 30 s at most."""

    name: str
    load: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]
    key: Callable[[str], K]
    pack: Callable[[V], bytes]
    unpack: Callable[[bytes], V]
    seconds: float
    has_copies: bool = True
    """Whether processes keep copies of what is in Valkey. Without, nothing forgotten is found even for a moment."""
    outlives: bool = False
    """Whether the last value is good enough while the source is away."""

    def seconds_of(self, value: V | None) -> float:
        """How long a value lives, and its absence."""
        return self.seconds if value is not None else min(self.seconds, NEGATIVE_SECONDS)
