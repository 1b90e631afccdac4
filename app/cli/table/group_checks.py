"""The checks of a group of several members: its head against its logs, its rows against head and members."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.cli.table.findings import Finding, mention_defect
from app.cli.table.group_audit import end_of, is_indexed, is_late, is_pending
from app.gateways.dynamodb import StoredItem
from app.messaging.clock import now
from app.messaging.groups.models import Member
from app.messaging.groups.stored import Head
from app.messaging.inbox_items import has_lost_mentions, message_projection, to_inbox_row
from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow, MemberState

UNFINISHED_AFTER: Final = timedelta(hours=1)
"""The time after which no process creates, or deletes, a group any more that is not whole."""
TOLD_KINDS: Final = frozenset({"head-differs", "rows-untold", "row-behind", "row-ahead", "row-differs"})
"""Defects that are gone once the head follows its logs, and all rows are told what it says."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """All that is stored of a group, read at about the same time."""

    group: UUID
    head: Head | None
    members: Mapping[UUID, Member]
    rows: Mapping[UUID, StoredItem]
    newest: Message | None
    change: Change | None
    systems: frozenset[int]
    """The numbers of the newest system messages."""
    mentions: Mapping[UUID, frozenset[int]]
    """The numbers of unread messages that mention the user of an active row."""
    is_fenced: bool = False
    has_ended: bool = False
    """The last message has ended. Its preview may be left or not: no read shows it, and a purge removes it."""

    @property
    def is_abandoned(self) -> bool:
        """Return whether there is a group without members."""
        return self.head is not None and not self.members and self.head.last_at < now() - UNFINISHED_AFTER

    def defects(self) -> Iterator[Finding]:
        """Yield what does not agree."""
        if self.head is None:
            yield from self._headless()
        elif not self.members:
            if self.is_abandoned:
                yield self._finding("group-abandoned", "the group has no members")
        elif self.newest is None:
            yield self._finding("head-without-log", "a group without messages")
        else:
            yield from self._head_defects(self.head, self.newest)
            for user in sorted({*self.members, *self.rows}):
                yield from self._row_defects(self.head, self.newest, user)

    def _finding(self, kind: str, detail: str, user: UUID | None = None) -> Finding:
        return Finding(kind, detail, self.group, user)

    def _headless(self) -> Iterator[Finding]:
        if self.newest:
            yield self._finding("head-missing", f"{self.newest.number} messages, and the group has no head")
            return
        times = [to_inbox_row(row).last_at for row in self.rows.values()]
        times += [member.joined_at for member in self.members.values()]
        if (times or self.is_fenced) and max(times, default=now() - 2 * UNFINISHED_AFTER) < now() - UNFINISHED_AFTER:
            detail = (
                f"{len(self.members)} members and {len(times) - len(self.members)} rows of a group that is not whole"
            )
            yield self._finding("group-unfinished", detail)

    def _head_defects(self, head: Head, newest: Message) -> Iterator[Finding]:
        if differs := self._differences(head, newest):
            place = f"at message {head.last_number} and change {head.change_number}"
            detail = f"the head has not the {' and '.join(differs)} of log and members, {place}"
            yield self._finding("head-differs", detail)
        if is_late(head):
            yield self._finding("rows-untold", "members' rows are not told what the head says")

    def _differences(self, head: Head, newest: Message) -> list[str]:
        has, wanted = end_of(head), message_projection(newest)
        change = (self.change.number, self.change.created_at) if self.change else (0, None)
        has |= {"number": head.last_number, "change": (head.change_number, head.changed_at)}
        has |= {"system messages": head.systems, "number of members": head.member_count}
        wanted |= {"number": newest.number, "change": change}
        wanted |= {"system messages": self.systems, "number of members": len(self.members)}
        if self.has_ended:
            del has["preview"]
        return [name for name, value in has.items() if value != wanted[name]]

    def _row_defects(self, head: Head, newest: Message, user: UUID) -> Iterator[Finding]:
        item, member = self.rows.get(user), self.members.get(user)
        row = to_inbox_row(item) if item else None
        if item is None or row is None or row.state is MemberState.LEFT:
            if member:
                yield self._finding("row-missing", "a member of the group has no row", user)
        elif member is None:
            yield self._finding("row-without-member", "a row of a user that is no member of the group", user)
        else:
            yield from self._told_defects(head, row, member, user, is_in_index=is_indexed(item))
            if row.delivered_number > newest.number:
                detail = f"read or received up to {row.delivered_number}, and the log ends at {newest.number}"
                yield self._finding("read-beyond", detail, user)
            kind, detail = mention_defect(row, self.mentions.get(user, frozenset()), is_cut=has_lost_mentions(item))
            if kind:
                yield self._finding(kind, detail, user)

    def _told_defects(
        self, head: Head, row: InboxRow, member: Member, user: UUID, *, is_in_index: bool
    ) -> Iterator[Finding]:
        if row.role is not member.role:
            yield self._finding("row-differs", f"the row says {row.role}, the user is {member.role}", user)
        if row.head_version > head.head_version:
            detail = f"the row is at version {row.head_version} of the head, which is at {head.head_version}"
            yield self._finding("row-ahead", detail, user)
        elif row.head_version < head.head_version and not row.is_open and not is_pending(head):
            yield self._finding("row-behind", "the row does not say what the head does, and is closed", user)
        elif not is_in_index or (row.head_version == head.head_version and self._told(head, row) != row):
            yield self._finding("row-differs", "the row differs from what the head has told it", user)

    def _told(self, head: Head, row: InboxRow) -> InboxRow:
        told = head.told(row)
        return replace(told, preview=row.preview) if self.has_ended else told
