"""The people and conversations of a fresh installation: plain data, the same every time.

The texts are in `dialogues/`, one file per pair. A file has header lines and then the lines of the dialogue:

    between: juniper, osman
    unread: juniper 0, osman 2
    ended: 3h25m
    view: juniper pinned, osman muted

    +0m juniper: A text, sent so many minutes, hours or days after the line before.
      | A line that begins with a bar continues the text.
      / re 2                      it replies to the message two before it
      / was A text with errors.   it was edited, and had this text before
      / 🌱 osman, juniper         the two have reacted with an emoji
      / deleted                   it was deleted
      / hidden osman              this person has deleted it for themselves
      / expires 30m               it expires this long after it was sent

Where a text names one of the two with an @, it mentions that person. `ended` is the time between the last line and the
end of the timeline; `unread` is the number of the newest lines that this person has not read. `view`, which may be left
out, says what a person has made of the group: pinned, muted or archived. A file that breaks these rules is refused with
the number of the line.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from importlib.resources import files
from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("5b0f0d6e-9a55-5f0c-8f2e-6d1f4a7c3b21")
"""The namespace of all ids here. With another one, installations that were seeded before get everything twice."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the stock conversations."""

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
    replies_to: int | None = None
    """The message that it replies to, counted backwards from it."""
    earlier_text: str | None = None
    """The text that it had before it was edited."""
    reactions: tuple[tuple[str, str], ...] = ()
    """Emoji and handles."""
    is_deleted: bool = False
    hidden_by: tuple[str, ...] = ()
    """Handles."""
    expires_in: int | None = None
    """Seconds."""


@dataclass(frozen=True)
class Conversation:
    """The messages of a pair, oldest first; message n of the group is `lines[n - 1]`."""

    between: tuple[str, str]
    lines: tuple[Line, ...]
    unread: Mapping[str, int]
    minutes_before_end: int
    views: Mapping[str, str] = field(default_factory=dict)
    """The views that people have of the group, by handle, each a word of VIEWS."""

    @cached_property
    def read_through(self) -> dict[str, int]:
        """Return, by handle, the number of the last message that this person has read."""
        return {handle: len(self.lines) - count for handle, count in self.unread.items()}

    def message_uuid(self, number: int) -> UUID:
        """Return the uuid of message `number`, counted from 1, the same for every seed."""
        return uuid5(NAMESPACE, f"message:{':'.join(sorted(self.between))}:{number}")

    def change_uuid(self, number: int) -> UUID:
        """Return the uuid of change `number`, counted from 1, the same for every seed."""
        return uuid5(NAMESPACE, f"change:{':'.join(sorted(self.between))}:{number}")


def timeline(conversation: Conversation, *, end: datetime) -> list[tuple[Line, datetime]]:
    """Return each line with its time, to the second, rising, in a timeline that ends at `end`."""
    at = end.replace(microsecond=0) - timedelta(minutes=conversation.minutes_before_end)
    placed: list[tuple[Line, datetime]] = []
    for line in reversed(conversation.lines):
        placed.append((line, at))
        at -= timedelta(minutes=line.minutes_after_previous)
    return placed[::-1]


_LINE = re.compile(r"\+(\S+) ([a-z0-9_]{3,30}): (\S.*)")
_CONTINUATION = re.compile(r"  \|(?: (.*))?")
_MARK = re.compile(r"  / (\S+)(?: (\S.*))?")
_DURATION = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")
_HEADER = ("between", "unread", "ended")
VIEWS: Final = frozenset({"pinned", "muted", "archived"})


def parse(source: str, *, name: str = "dialogue") -> Conversation:
    """Return the conversation in the form described above, or raise ValueError with the place of the first error."""
    numbered = list(enumerate(source.splitlines(), 1))
    try:
        between, unread, ended = (_header(key, row) for key, (_, row) in zip(_HEADER, numbered, strict=False))
        one, other = between.split(", ")
        counts = {handle: int(count) for handle, count in (part.split() for part in unread.split(", "))}
        minutes_before_end = _minutes(ended)
        numbered = numbered[len(_HEADER) :]
        views = _views(numbered.pop(0)[1], {one, other}) if numbered and numbered[0][1].startswith("view: ") else {}
    except ValueError as error:
        raise ValueError(f"{name}: header: {error}") from error
    if counts.keys() != {one, other}:
        raise ValueError(f"{name}: header: unread must name exactly {one} and {other}")
    lines = _lines(numbered, name=name, speakers={one, other})
    return Conversation((one, other), lines, counts, minutes_before_end, views)


def _views(row: str, people: set[str]) -> dict[str, str]:
    views = dict(part.split() for part in _header("view", row).split(", "))
    if not (views.keys() <= people and VIEWS.issuperset(views.values())):
        raise ValueError(f"view must name one of {', '.join(sorted(people))} and one of {', '.join(sorted(VIEWS))}")
    return views


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
            if lines and (more := _CONTINUATION.fullmatch(row)):
                lines[-1] = replace(lines[-1], text=f"{lines[-1].text}\n{more[1] or ''}")
            elif lines and (mark := _MARK.fullmatch(row)):
                lines[-1] = _marked(lines[-1], mark[1], mark[2] or "", speakers, most=len(lines) - 1)
            else:
                lines.append(_line(row, speakers, is_first=not lines))
        except ValueError as error:
            raise ValueError(f"{name}: line {number}: {error}") from error
    return tuple(lines)


def _line(row: str, speakers: set[str], *, is_first: bool) -> Line:
    match = _LINE.fullmatch(row)
    if match is None:
        raise ValueError("neither a line nor its continuation")
    line = Line(by=match[2], text=match[3], minutes_after_previous=_minutes(match[1]))
    if line.by not in speakers:
        raise ValueError(f"{line.by} is not in this conversation")
    if is_first != (line.minutes_after_previous == 0):
        raise ValueError("the first line must come after +0m, and every other line later")
    return line


def _marked(line: Line, mark: str, value: str, speakers: set[str], *, most: int) -> Line:
    """Return a line with what a mark says of it."""
    match mark:
        case "deleted":
            return replace(line, is_deleted=True)
        case "was" if value:
            return replace(line, earlier_text=value)
        case "re" if value.isdecimal() and 0 < int(value) <= most:
            return replace(line, replies_to=int(value))
        case "hidden" if value in speakers:
            return replace(line, hidden_by=(*line.hidden_by, value))
        case "expires" if value:
            return replace(line, expires_in=_minutes(value) * 60)
    handles = value.split(", ")
    if not speakers.issuperset(handles):
        raise ValueError(f"neither a mark nor a reaction of {' and '.join(sorted(speakers))}")
    return replace(line, reactions=(*line.reactions, *((mark, handle) for handle in handles)))


def _minutes(duration: str) -> int:
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"{duration!r} is not a duration like 1d4h or 25m")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return (days * 24 + hours) * 60 + minutes


PEOPLE: Final = (
    Person("juniper", "Juniper Vale", "juniper.vale@example.com"),
    Person("osman", "Osman Tarhan", "osman.tarhan@example.com"),
    Person("priya", "Priya Lindqvist", "chair@allotments.example.org"),
    Person("theo", "Théo Marchand", "theo@example.org"),
)
"""The first person has the fullest inbox."""

CONVERSATIONS: Final = tuple(
    parse(files("app.cli.seed").joinpath("dialogues", f"{pair}.txt").read_text(encoding="utf-8"), name=pair)
    for pair in ("juniper-osman", "juniper-priya", "juniper-theo", "osman-theo", "priya-theo", "osman-priya")
)
"""The first conversation is the long one."""
