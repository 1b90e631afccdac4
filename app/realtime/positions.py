"""The positions that clients get: that of the bus, and up to which numbers the logs of active groups were delivered.

`1795512600123.k3vQx0aB2f.k3vQx0aB-1c`: after each point come the last 48 bits of a group's id and, in hexadecimal, the
number of a message, or after a hyphen that of a change.
"""

import re
import time
from base64 import urlsafe_b64encode
from typing import Final, TypeAlias
from uuid import UUID

from app.messaging.models import Change, Message

MAX_LOGS: Final = 20
"""Logs, of messages or of changes, that a position names."""
MAX_LENGTH: Final = 512
SECONDS: Final = 240.0
"""A log is named for so long after an entry: longer than a stream that resumes looks back in it."""
_LOG: Final = re.compile(r"([A-Za-z0-9_-]{8}-?)([0-9a-f]{1,10})")

Kind: TypeAlias = type[Message] | type[Change]


class Numbers:
    """The last numbers that were delivered, of the logs with the latest entries."""

    def __init__(self) -> None:
        self._by_key: dict[str, tuple[int, float]] = {}
        """Numbers and when they were delivered, the latest last."""

    def add(self, entry: Message | Change) -> None:
        """Note the delivery of an entry."""
        self._put(_key(entry.group_uuid, type(entry)), entry.number)

    def _put(self, key: str, number: int) -> None:
        self._by_key.pop(key, None)
        self._by_key[key] = number, time.monotonic()

    def of(self, group: UUID, kind: Kind) -> int | None:
        """Return the number of a group's last message or change, None if it is not known."""
        found = self._by_key.get(_key(group, kind))
        return found[0] if found else None

    def position(self, of_bus: str) -> str:
        """Return the position that is given to the client, after one of the bus."""
        oldest = time.monotonic() - SECONDS
        while self._by_key and (len(self._by_key) > MAX_LOGS or next(iter(self._by_key.values()))[1] < oldest):
            del self._by_key[next(iter(self._by_key))]
        return ".".join([of_bus, *(f"{key}{number:x}" for key, (number, _) in self._by_key.items())])

    @classmethod
    def read(cls, logs: list[str]) -> "Numbers":
        """Return what the logs of a position say; what is no log says nothing."""
        numbers = cls()
        for match in map(_LOG.fullmatch, logs[:MAX_LOGS]):
            if match:
                numbers._put(match[1], int(match[2], 16))
        return numbers


def read_position(position: str) -> tuple[str, Numbers]:
    """Return the position of the bus, and the numbers that are added to it."""
    of_bus, *logs = position.split(".")
    return of_bus, Numbers.read(logs)


def _key(group: UUID, kind: Kind) -> str:
    return urlsafe_b64encode(group.bytes[-6:]).decode() + ("-" if kind is Change else "")
