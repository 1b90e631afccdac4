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

A file of a group of several people has its first title in a fourth header line, `group: Title`, after `between`, which
names all that ever are members. Lines tell what happens to the group:

    +0m juniper > created: osman, priya
    +1d juniper > added: theo           or removed
    +5m juniper > renamed: New title
    +1h juniper > role: osman, admin
    +2m theo > left                     or history

Where a text names one of the people with an @, it mentions that person. `ended` is the time between the last line and
the end of the timeline; `unread` is the number of the newest lines that this person has not read. `view`, which may be
left out, says what a person has made of a direct group: pinned, muted or archived. A file that breaks these rules is
refused with the number of the line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from importlib.resources import files
from operator import itemgetter
from typing import Final
from uuid import UUID, uuid5

from app.users.models import NewUser

NAMESPACE: Final = UUID("5b0f0d6e-9a55-5f0c-8f2e-6d1f4a7c3b21")
"""The namespace of all ids here. With another one, installations that were seeded before get everything twice."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the stock conversations."""

    handle: str
    display_name: str
    email: str
    about: str = ""

    @property
    def uuid(self) -> UUID:
        return uuid5(NAMESPACE, f"user:{self.handle}")

    @property
    def cognito_user_id(self) -> str:
        return str(uuid5(NAMESPACE, f"cognito:{self.handle}"))

    def new_user(self) -> NewUser:
        """Return the person as a user."""
        names = self.handle, self.display_name, self.cognito_user_id, self.email
        return NewUser(self.uuid, *names, about=self.about)


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
    event: tuple[str, str] | None = None
    """The type and the value of what a system message tells, which has no text."""


@dataclass(frozen=True)
class Conversation:
    """The messages of a pair or a group, oldest first; message n of the group is `lines[n - 1]`."""

    between: tuple[str, ...]
    lines: tuple[Line, ...]
    unread: Mapping[str, int]
    minutes_before_end: int
    title: str | None = None
    """The first title of a group of several people."""
    views: Mapping[str, str] = field(default_factory=dict)
    """The views that people have of the group, by handle, each a word of VIEWS."""

    @property
    def name(self) -> str:
        """Return what the ids of messages and changes are made of, the same for every seed."""
        return self.title or ":".join(sorted(self.between))

    @cached_property
    def uuids(self) -> dict[str, UUID]:
        """Return the ids of the people by their handles, in the order of PEOPLE."""
        return {person.handle: person.uuid for person in PEOPLE if person.handle in self.between}

    @property
    def receiver(self) -> UUID:
        """Return the id of the person of two that did not begin."""
        return next(uuid for handle, uuid in self.uuids.items() if handle != self.lines[0].by)

    @property
    def is_request(self) -> bool:
        """Return whether one of the two has not answered."""
        return len({line.by for line in self.lines}) == 1

    @cached_property
    def read_through(self) -> dict[str, int]:
        """Return, by handle, the number of the last message that this person has read."""
        return {handle: len(self.lines) - count for handle, count in self.unread.items()}

    def message_uuid(self, number: int) -> UUID:
        """Return the uuid of message `number`, counted from 1, the same for every seed."""
        return uuid5(NAMESPACE, f"message:{self.name}:{number}")

    def change_uuid(self, number: int) -> UUID:
        """Return the uuid of change `number`, counted from 1, the same for every seed."""
        return uuid5(NAMESPACE, f"change:{self.name}:{number}")


def timeline(conversation: Conversation, *, end: datetime) -> list[tuple[Line, datetime]]:
    """Return each line with its time, to the second, rising, in a timeline that ends at `end`."""
    at = end.replace(microsecond=0) - timedelta(minutes=conversation.minutes_before_end)
    placed: list[tuple[Line, datetime]] = []
    for line in reversed(conversation.lines):
        placed.append((line, at))
        at -= timedelta(minutes=line.minutes_after_previous)
    return placed[::-1]


_EVENTS = "created|added|removed|renamed|role|left|history"
_LINE = re.compile(rf"\+(\S+) ([a-z0-9_]{{3,30}})(?:: (\S.*)| > ({_EVENTS})(?:: (\S.*))?)")
_CONTINUATION = re.compile(r"  \|(?: (.*))?")
_MARK = re.compile(r"  / (\S+)(?: (\S.*))?")
_DURATION = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")
_HEADER = ("between", "unread", "ended")
VIEWS: Final = frozenset({"pinned", "muted", "archived"})


def parse(source: str, *, name: str = "dialogue") -> Conversation:
    """Return the conversation in the form described above, or raise ValueError with the place of the first error."""
    rows = list(enumerate(source.splitlines(), 1))
    title = rows.pop(1)[1].removeprefix("group: ") if "\ngroup: " in source else None
    with _place_told(f"{name}: header"):
        between, unread, ended = (_header(key, row) for key, (_, row) in zip(_HEADER, rows, strict=False))
        people = tuple(between.split(", "))
        if title is None and len(people) != 2:
            raise ValueError(f"{between!r} names not two people")
        counts = {handle: int(count) for handle, count in _pairs(unread)}
        minutes_before_end = _minutes(ended)
        rows = rows[len(_HEADER) :]
        has_views = rows and rows[0][1].startswith("view: ")
        views = dict(_pairs(_header("view", rows.pop(0)[1]))) if has_views else {}
        if not (views.keys() <= {*people} and VIEWS.issuperset(views.values())):
            raise ValueError(f"view must name one of {', '.join(sorted(people))} and one of {', '.join(sorted(VIEWS))}")
        if counts.keys() != {*people}:
            raise ValueError(f"unread must name exactly {' and '.join(people)}")
    lines = _lines(rows, name=name, speakers={*people})
    return Conversation(people, lines, counts, minutes_before_end, title, views)


@contextmanager
def _place_told(place: str) -> Iterator[None]:
    """Raise a ValueError with the place where it was raised."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the pairs of words of a list, or raise ValueError."""
    return [(word, value) for word, value in (part.split() for part in text.split(", "))]


def _header(key: str, row: str) -> str:
    if not row.startswith(f"{key}: "):
        raise ValueError(f"expected {key!r} in {row!r}")
    return row.removeprefix(f"{key}: ")


def _lines(rows: Iterable[tuple[int, str]], *, name: str, speakers: set[str]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for number, row in filter(itemgetter(1), rows):
        with _place_told(f"{name}: line {number}"):
            if lines and (more := _CONTINUATION.fullmatch(row)):
                lines[-1] = replace(lines[-1], text=f"{lines[-1].text}\n{more[1] or ''}")
            elif lines and (mark := _MARK.fullmatch(row)):
                lines[-1] = _marked(lines[-1], mark[1], mark[2] or "", speakers, most=len(lines) - 1)
            else:
                lines.append(_line(row, speakers, is_first=not lines))
    return tuple(lines)


def _line(row: str, speakers: set[str], *, is_first: bool) -> Line:
    match = _LINE.fullmatch(row)
    if match is None:
        raise ValueError("neither a line nor its continuation")
    after, by, text, event, value = match.groups()
    line = Line(by, text or "", _minutes(after), event=(event, value or "") if event else None)
    if by not in speakers:
        raise ValueError(f"{by} is not in this conversation")
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
    Person("juniper", "Juniper Vale", "juniper.vale@example.com", "Allotment 14. Compost, and arguments about it."),
    Person("osman", "Osman Tarhan", "osman.tarhan@example.com", "Spade, kettle, ladder.\nAnswers after sunset."),
    Person("priya", "Priya Lindqvist", "chair@allotments.example.org"),
    Person("theo", "Théo Marchand", "theo@example.org"),
    Person("rosa", "Rosa Adeyemi", "rosa@example.com"),
)
"""The first person has the fullest inbox, and a request of the last one."""

BLOCK: Final = "priya", "theo"
"""The first of these two has blocked the second, at the end of the timeline."""


def _parsed(*names: str) -> tuple[Conversation, ...]:
    folder = files("app.cli.seed").joinpath("dialogues")
    return tuple(parse(folder.joinpath(f"{name}.txt").read_text(encoding="utf-8"), name=name) for name in names)


CONVERSATIONS: Final = _parsed(
    "juniper-osman", "juniper-priya", "juniper-theo", "osman-theo", "priya-theo", "osman-priya", "rosa-juniper"
)
"""The conversations of pairs. The first one is long."""
GROUPS: Final = _parsed("autumn-fair", "tool-shed")
"""The conversations of several people."""
