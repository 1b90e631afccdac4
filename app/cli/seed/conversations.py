"""Who lives in a fresh installation and what they have told each other: plain data, the same every time.

The texts stand in `dialogues/`, one file per pair, made to be read. A file is three header lines and then the lines:

    between: juniper, osman
    unread: juniper 0, osman 2
    ended: 3h25m

    +0m juniper: What was said, and when: minutes, hours or days after the line before.
      | A line that begins with a bar goes on with the same text.

`ended` is how long before the end of the timeline the last line was said; `unread` counts the newest lines that
somebody has not read. A file that breaks these rules is refused with the number of the line.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from importlib.resources import files
from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("5b0f0d6e-9a55-5f0c-8f2e-6d1f4a7c3b21")
"""Of all ids here. Changing it makes everybody a stranger to installations that were seeded before."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is there from the start."""

    handle: str
    display_name: str
    email: str

    @property
    def uuid(self) -> UUID:
        return uuid5(NAMESPACE, f"user:{self.handle}")

    @property
    def cognito_user_id(self) -> str:
        return str(uuid5(NAMESPACE, f"cognito:{self.handle}"))


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `text` may hold newlines."""

    by: str
    text: str
    minutes_after_previous: int


@dataclass(frozen=True)
class Conversation:
    """The messages of a pair, oldest first; number n of the group is `lines[n - 1]`."""

    between: tuple[str, str]
    lines: tuple[Line, ...]
    unread: Mapping[str, int]
    minutes_before_end: int

    @cached_property
    def read_through(self) -> dict[str, int]:
        """By handle, the number of the last message that this person has read."""
        return {handle: len(self.lines) - count for handle, count in self.unread.items()}

    def message_uuid(self, number: int) -> UUID:
        """The client's id of message `number`, counted from 1: seeding twice sends nothing twice."""
        return uuid5(NAMESPACE, f"message:{':'.join(sorted(self.between))}:{number}")


def timeline(conversation: Conversation, *, end: datetime) -> list[tuple[Line, datetime]]:
    """When each line was said if the present is `end`: to the second, every line later than the one before."""
    at = end.replace(microsecond=0) - timedelta(minutes=conversation.minutes_before_end)
    placed: list[tuple[Line, datetime]] = []
    for line in reversed(conversation.lines):
        placed.append((line, at))
        at -= timedelta(minutes=line.minutes_after_previous)
    return placed[::-1]


_LINE = re.compile(r"\+(\S+) ([a-z0-9_]{3,30}): (\S.*)")
_GOES_ON = re.compile(r"  \|(?: (.*))?")
_DURATION = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")
_HEADER = ("between", "unread", "ended")


def parse(source: str, *, name: str = "dialogue") -> Conversation:
    """A conversation in the form described above; ValueError with the place of the first mistake."""
    numbered = list(enumerate(source.splitlines(), 1))
    try:
        between, unread, ended = (_header(key, row) for key, (_, row) in zip(_HEADER, numbered, strict=False))
        one, other = between.split(", ")
        counts = {handle: int(count) for handle, count in (part.split() for part in unread.split(", "))}
        minutes_before_end = _minutes(ended)
    except ValueError as error:
        raise ValueError(f"{name}: header: {error}") from error
    if counts.keys() != {one, other}:
        raise ValueError(f"{name}: header: unread must name exactly {one} and {other}")
    lines = _lines(numbered[len(_HEADER) :], name=name, speakers={one, other})
    return Conversation((one, other), lines, counts, minutes_before_end)


def _header(key: str, row: str) -> str:
    if not row.startswith(f"{key}: "):
        raise ValueError(f"expected {key!r} in {row!r}")
    return row.removeprefix(f"{key}: ")


def _lines(rows: Iterable[tuple[int, str]], *, name: str, speakers: set[str]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for number, row in rows:
        if not row:
            continue
        try:
            if lines and (more := _GOES_ON.fullmatch(row)):
                last = lines.pop()
                lines.append(Line(last.by, f"{last.text}\n{more[1] or ''}", last.minutes_after_previous))
            else:
                lines.append(_line(row, speakers, is_first=not lines))
        except ValueError as error:
            raise ValueError(f"{name}: line {number}: {error}") from error
    return tuple(lines)


def _line(row: str, speakers: set[str], *, is_first: bool) -> Line:
    match = _LINE.fullmatch(row)
    if match is None:
        raise ValueError("neither a line nor a part of one")
    line = Line(by=match[2], text=match[3], minutes_after_previous=_minutes(match[1]))
    if line.by not in speakers:
        raise ValueError(f"{line.by} is not in this conversation")
    if is_first != (line.minutes_after_previous == 0):
        raise ValueError("the first line comes after +0m, every other one later than that")
    return line


def _minutes(duration: str) -> int:
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"{duration!r} is not a duration like 1d4h or 25m")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return (days * 24 + hours) * 60 + minutes


def _load(name: str) -> Conversation:
    return parse(files("app.cli.seed").joinpath("dialogues", f"{name}.txt").read_text(encoding="utf-8"), name=name)


PEOPLE: Final = (
    Person("juniper", "Juniper Vale", "juniper.vale@example.com"),
    Person("osman", "Osman Tarhan", "osman.tarhan@example.com"),
    Person("priya", "Priya Lindqvist", "chair@allotments.example.org"),
    Person("theo", "Théo Marchand", "theo@example.org"),
)
"""The first of them has the fullest inbox."""

CONVERSATIONS: Final = tuple(
    _load(pair)
    for pair in ("juniper-osman", "juniper-priya", "juniper-theo", "osman-theo", "priya-theo", "osman-priya")
)
"""The first of them is the long one."""
