"""The check of an export's file, line by line: each alone, and that none is missing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from app.cli.console import Advance
from app.cli.conversations.head_lines import HeadLine
from app.cli.conversations.lines import (
    ENTITIES,
    LINE,
    ChangeLine,
    EndLine,
    ErasureLine,
    GroupLine,
    InboxRowLine,
    Line,
    MessageLine,
    UserLine,
    end_line,
)


class LineCheck:
    """Checks the lines of a file one after the other: each alone, and that none is missing.

    An export has the changes of a group in their order, then its messages in theirs, then its head and its rows. What
    was changed during the export comes before these: further changes, and their messages once more. `damaged` accepts
    holes, which a log may have.
    """

    def __init__(self, *, damaged: bool) -> None:
        self._damaged = damaged
        self._group = GroupCheck(None)
        self._since_end: Counter[str] = Counter()
        self.lines = 0
        self.users = 0

    def complaints(self, lines: Iterable[bytes], advance: Advance) -> Iterator[str]:
        """Yield what is wrong with the lines of a file, and with its end."""
        for text in lines:
            self.lines += 1
            if complaint := self._complaint(text):
                yield f"line {self.lines}: {complaint}"
            advance(1)
        if self._since_end or not self.lines:
            yield f"it has no end after line {self.lines}: it was cut off, or its export was interrupted"

    def _complaint(self, text: bytes) -> str:
        """Return what is wrong with the next line, empty if it is right."""
        try:
            return self._place(LINE.validate_json(text))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"] if part not in ENTITIES)
            return f"{place}: {first['msg']}" if place else first["msg"]

    def _place(self, line: Line) -> str:
        """Return what is wrong with the place of a line, empty if it is right."""
        if isinstance(line, EndLine):
            counts, self._since_end = self._since_end, Counter()
            return "" if line == end_line(counts) else "the file has not as many lines as it says: some are missing"
        self._since_end[line.entity] += 1
        self.users += isinstance(line, UserLine | ErasureLine)
        if self._damaged or not isinstance(line, GroupLine):
            return ""
        if line.group_uuid != self._group.uuid:
            self._group = GroupCheck(line.group_uuid)
        return self._group.complaint(line)


@dataclass
class GroupCheck:
    """Checks the lines of a group one after the other. It knows the last numbers, and the last change of a message."""

    uuid: UUID | None
    number: int = 0
    change: int = 0
    applied: int = 0

    def complaint(self, line: GroupLine) -> str:
        """Return what is wrong with the place of a line in its group, empty if it is right, and remember the line."""
        if isinstance(line, ChangeLine):
            if line.number == 1:  # another export of the group may follow
                self.number = self.change = self.applied = 0
            wanted, self.change = self.change + 1, line.number
        else:
            self.applied = max(self.applied, line.change_number)
            if not isinstance(line, MessageLine):
                return self._wrong_end(line)
            if line.change_number and line.number <= self.number:  # once more, after a change
                return ""
            wanted, self.number = self.number + 1 if line.number != 1 else 1, line.number
        if line.number == wanted:
            return ""
        return f"group {line.group_uuid} has no {line.entity} {wanted} before {line.number}"

    def _wrong_end(self, line: InboxRowLine | HeadLine) -> str:
        if line.last_number > self.number:
            end = f"the messages before it at {self.number}"
            what = "head" if isinstance(line, HeadLine) else "row"
            return f"the {what} of group {line.group_uuid} ends at {line.last_number}, {end}"
        if self.applied > self.change:
            return f"group {line.group_uuid} is at change {self.applied}, and its changes end at {self.change}"
        return ""
