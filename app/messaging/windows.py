"""Windows: the range of a log that a request asks for, and the pages next to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeAlias

from app.errors import InvalidParameter
from app.messaging.models import LAST_NUMBER

Neighbour: TypeAlias = tuple[Literal["before", "after"], int]


@dataclass(frozen=True, slots=True)
class Window:
    """The numbers `first`..`last`, or the newest `limit` messages if `first` is None.

    `goes_forward` says that the next page is the one of newer messages, as after `after`; else it is the older one.
    """

    limit: int
    first: int | None = None
    last: int = 0
    goes_forward: bool = False
    is_at_unread: bool = False
    """True if a row is to say where it is: around the first unread message."""
    floor: int = 0
    """The number up to which the log is not there for its reader."""

    @classmethod
    def select(
        cls,
        limit: int,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        at_unread: bool = False,
    ) -> "Window":
        """Return the window at the one place that is given, else the newest, or raise InvalidParameter."""
        if [before, after, around, at_unread or None].count(None) < 3:
            raise InvalidParameter("Only a single parameter of before, after, around and at may be given")
        if at_unread:
            return cls(limit, is_at_unread=True)
        if before:
            return cls.before(before, limit)
        if after:
            return cls.after(after, limit)
        return cls.around(around, limit) if around else cls.newest(limit)

    @classmethod
    def newest(cls, limit: int) -> "Window":
        """Return the window of the last messages."""
        return cls(limit)

    @classmethod
    def before(cls, number: int, limit: int) -> "Window":
        """Return the window of the messages just before a number."""
        return cls(limit, max(1, number - limit), number - 1)

    @classmethod
    def after(cls, number: int, limit: int) -> "Window":
        """Return the window of the messages just after a number."""
        return cls(limit, number + 1, min(number + limit, LAST_NUMBER), goes_forward=True)

    @classmethod
    def around(cls, number: int, limit: int) -> "Window":
        """Return the window with a number in its middle, or as near to it as the log's beginning allows."""
        first = number - limit // 2
        return cls(limit, max(1, first), min(first + limit - 1, LAST_NUMBER))

    def for_unread(self, number: int | None) -> "Window":
        """Return the window for a reader whose first unread message has this number: itself, unless it is at that.

        Without an unread message that is the newest window.
        """
        if not self.is_at_unread:
            return self
        return Window.around(number, self.limit) if number else Window.newest(self.limit)

    def above(self, floor: int) -> "Window":
        """Return the part of the window after a number: the log begins there for its reader."""
        first = None if self.first is None else max(self.first, floor + 1)
        return replace(self, first=first, floor=floor)

    @property
    def is_empty(self) -> bool:
        """Return whether no number can be in it."""
        return self.first is not None and self.first > self.last

    def is_complete(self, numbers: Sequence[int], *, end: int) -> bool:
        """Return whether these are all numbers of the window, without a gap, in a log that reaches at least `end`."""
        first = max(self.floor + 1, end - self.limit + 1) if self.first is None else self.first
        last = end if self.first is None else min(self.last, end)
        if any(later - earlier != 1 for earlier, later in pairwise(numbers)):
            return False
        if not numbers:
            return first > last
        return numbers[-1] >= last and (numbers[0] <= first or len(numbers) == self.limit)

    def neighbours(self, numbers: Sequence[int], *, end: int) -> dict[str, Neighbour]:
        """Return the Link relations of the non-empty pages, `next` and `prev`, each as a parameter and its number."""
        first = numbers[0] if numbers else min(self.first or self.floor + 1, end + 1)
        last = numbers[-1] if numbers else first - 1
        older: Neighbour | None = ("before", first) if first > self.floor + 1 else None
        newer: Neighbour | None = ("after", last) if 0 < last < end else None
        following, preceding = (newer, older) if self.goes_forward else (older, newer)
        return {rel: to for rel, to in (("next", following), ("prev", preceding)) if to}
