"""The checks of a group of several members: its head against its logs, its rows against head and members."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.cli.changed_messages import at_change
from app.cli.heads import last_message
from app.cli.table.findings import Finding, differences, mention_defect
from app.cli.table.group_audit import end_of, is_indexed, is_late, is_pending
from app.gateways.dynamodb import StoredItem
from app.messaging.clock import now
from app.messaging.groups.models import Member
from app.messaging.groups.stored import Head
from app.messaging.inbox_items import has_lost_mentions, to_inbox_row
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
    """The last message has ended."""

    @property
    def is_abandoned(self) -> bool:
        """Return whether there is a group without members."""
        return self.head is not None and not self.members and self.head.last_at < now() - UNFINISHED_AFTER

    def wanted_head(self, head: Head, newest: Message) -> Head:
        """Return a head with what follows from the logs and the members."""
        said = last_message(newest) | {"expires_at": newest.deadline, "systems": self.systems}
        return at_change(replace(head, member_count=len(self.members), **said), self.change)

    def defects(self) -> Iterator[Finding]:
        """Yield what does not agree."""
        if self.head is None:
            yield from self._headless()
        elif self.is_abandoned:
            yield self._finding("group-abandoned", "the group has no members")
        elif self.members and self.newest is None:
            yield self._finding("head-without-log", "a group without messages")
        elif self.members and self.newest:
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
        has, wanted = _in_words(head), _in_words(self.wanted_head(head, newest))
        if differs := differences(has, wanted, has_ended=self.has_ended):
            place = f"at message {head.last_number} and change {head.change_number}"
            detail = f"the head has not the {' and '.join(differs)} of log and members, {place}"
            yield self._finding("head-differs", detail)
        if is_late(head):
            yield self._finding("rows-untold", "members' rows are not told what the head says")

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
        told = replace(head.told(row), preview=row.preview) if self.has_ended else head.told(row)
        if row.role is not member.role:
            yield self._finding("row-differs", f"the row says {row.role}, the user is {member.role}", user)
        if row.head_version > head.head_version:
            detail = f"the row is at version {row.head_version} of the head, which is at {head.head_version}"
            yield self._finding("row-ahead", detail, user)
        elif row.head_version < head.head_version and not row.is_open and not is_pending(head):
            yield self._finding("row-behind", "the row does not say what the head does, and is closed", user)
        elif not is_in_index or (row.head_version == head.head_version and told != row):
            yield self._finding("row-differs", "the row differs from what the head has told it", user)


def _in_words(head: Head) -> dict[str, object]:
    """Return what of a head follows from the logs and the members, by names for operators."""
    return end_of(head) | {
        "number": head.last_number,
        "change": (head.change_number, head.changed_at),
        "system messages": head.systems,
        "number of members": head.member_count,
    }
