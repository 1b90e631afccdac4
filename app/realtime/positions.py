"""The positions that clients get: that of the bus, and up to which number messages of active groups were delivered.

`1795512600123.k3vQx0aB2f`: after each point come the last 48 bits of a group's id and, in hexadecimal, the number.
"""

import re
import time
from base64 import urlsafe_b64encode
from typing import Final
from uuid import UUID

MAX_GROUPS: Final = 20
"""Groups that a position names."""
MAX_LENGTH: Final = 512
SECONDS: Final = 240.0
"""A group is named for so long after a message: longer than a stream that resumes looks back in the log."""
_GROUP: Final = re.compile(r"([A-Za-z0-9_-]{8})([0-9a-f]{1,10})")


class Numbers:
    """The last numbers that were delivered, of the groups with the latest messages."""

    def __init__(self) -> None:
        self._by_key: dict[str, tuple[int, float]] = {}
        """Numbers and when they were delivered, the latest last."""

    def add(self, group: UUID, number: int) -> None:
        """Note the delivery of a message."""
        self._put(_key(group), number)

    def _put(self, key: str, number: int) -> None:
        self._by_key.pop(key, None)
        self._by_key[key] = number, time.monotonic()

    def of(self, group: UUID) -> int | None:
        """Return the number of a group, None if it is not known."""
        found = self._by_key.get(_key(group))
        return found[0] if found else None

    def position(self, of_bus: str) -> str:
        """Return the position that is given to the client, after one of the bus."""
        oldest = time.monotonic() - SECONDS
        while self._by_key and (len(self._by_key) > MAX_GROUPS or next(iter(self._by_key.values()))[1] < oldest):
            del self._by_key[next(iter(self._by_key))]
        return ".".join([of_bus, *(f"{key}{number:x}" for key, (number, _) in self._by_key.items())])

    @classmethod
    def read(cls, groups: list[str]) -> "Numbers":
        """Return what the groups of a position say; what is no group says nothing."""
        numbers = cls()
        for match in map(_GROUP.fullmatch, groups[:MAX_GROUPS]):
            if match:
                numbers._put(match[1], int(match[2], 16))
        return numbers


def read_position(position: str) -> tuple[str, Numbers]:
    """Return the position of the bus, and the numbers that are added to it."""
    of_bus, *groups = position.split(".")
    return of_bus, Numbers.read(groups)


def _key(group: UUID) -> str:
    return urlsafe_b64encode(group.bytes[-6:]).decode()
