"""Inbox rows inside the service: a member's view of a group, and positions in lists of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.messaging.clock import now
from app.messaging.groups.models import HEAD, Role
from app.messaging.records import record

MAX_MENTIONS_COUNTED = 20
"""Unread mentions that a row counts, the newest ones."""
MAX_GONE = 40
"""Numbers that a row knows to be hidden or expiring while they are unread. More of them count as unread until read."""


class MemberState(StrEnum):
    """The state of a membership: active, or left."""

    ACTIVE = "active"
    LEFT = "left"


class Folder(StrEnum):
    """The part of a user's list that holds a group: the inbox, the requests, or the archive."""

    INBOX = "inbox"
    REQUESTS = "requests"
    ARCHIVE = "archive"


class GroupKind(StrEnum):
    """The kind of a group: `direct` is the one group of two users, `group` has a title and several members."""

    DIRECT = "direct"
    GROUP = "group"


@record(frozen=True, slots=True)
class InboxRow:
    """One member's view of one group: a projection of the log that only moves forward.

    The head of a group of several members is a row, too, with HEAD as its user. What the head says stands in for what a
    member's row has not yet been told: see `app.messaging.groups.items`.
    """

    user_uuid: UUID
    group_uuid: UUID
    peer_uuid: UUID | None
    """The other user of a direct group."""
    last_number: int
    last_at: datetime
    last_by: UUID
    preview: str
    read_number: int
    version: int
    state: MemberState = MemberState.ACTIVE
    is_blocked: bool = False
    muted_until: datetime | None = None
    pinned_at: datetime | None = None
    change_number: int = 0
    """The number of the last change of a message in the group."""
    changed_at: datetime | None = None
    mentioned: frozenset[int] = frozenset()
    """The numbers of the newest messages that mention the user, and maybe of some that are read."""
    expires_at: datetime | None = None
    """The time at which the text of the last message expires."""
    gone: Mapping[int, datetime] = field(default_factory=dict, hash=False)
    """Numbers of messages after the read marker, with the time from which each does not count as unread."""
    hidden: tuple[int, ...] = ()
    """The numbers of the messages that the user has hidden last, at most 20, the last one at the end."""
    hide_count: int = 0
    """The number of messages that the user has hidden."""
    received_number: int = 0
    """The number of the last message that a device of the member has reported as received."""
    is_marked_unread: bool = False
    """The group counts as unread until the member marks it read or sends to it; the read marker stays."""
    blocked_at: datetime | None = None
    """The time at which the user blocked the peer."""
    peer_read: int | None = None
    """The peer\'s read marker as a blocked user gets it: it stands still."""
    peer_delivered: int = 0
    """The peer\'s delivered marker, while `peer_read` is set."""
    folder: Folder = Folder.INBOX
    awaits_acceptance: bool = False
    """The user has started the group, and the peer has not accepted that."""
    cleared_number: int = 0
    """The number up to which the user has cleared the history: those messages are not there for the user."""
    pin_position: int | None = None
    """The position among the pinned groups of the inbox, from 1 without gaps; None if it is not pinned."""
    title: str | None = None
    """The title of a group of several members."""
    member_count: int = 2
    role: Role = Role.MEMBER
    systems: frozenset[int] = frozenset()
    """The numbers of the last system messages, which do not count as unread."""
    head_version: int = 0
    """The version of the head that the row has what it says of the group from."""
    is_open: bool = False
    """The head may say more than the row. Of a head: rows of members are to be told what it says."""
    shows_history: bool = False
    """New members see the messages of before, too."""
    ends_at: datetime | None = None
    """The time from which all messages have ended, see `app.messaging.retention`: none counts as unread. It is not
    stored, and None where rows are not shown."""

    @property
    def view_version(self) -> int:
        """Return the version of all that the row says: it grows with each change of the row and of the head."""
        return self.version + self.head_version

    @property
    def kind(self) -> GroupKind:
        """Return the kind of the group."""
        return GroupKind.DIRECT if self.peer_uuid else GroupKind.GROUP

    def told_by(self, other: "InboxRow") -> "InboxRow":
        """Return the row with what another row of the group, or its head, says of the group, if that says more.

        The row of a former member stays as it is.
        """
        if self.state is MemberState.LEFT or other.head_version <= self.head_version:
            return self
        return replace(
            self,
            last_number=other.last_number,
            last_at=other.last_at,
            last_by=other.last_by,
            preview="" if self.sees_nothing_of(other.last_number) else other.preview,
            change_number=other.change_number,
            changed_at=other.changed_at,
            expires_at=other.expires_at,
            title=other.title,
            member_count=other.member_count,
            systems=other.systems,
            shows_history=other.shows_history,
            head_version=other.head_version,
            folder=Folder.INBOX if self._is_brought_back(other) else self.folder,
        )

    def sees_nothing_of(self, number: int) -> bool:
        """Return whether the user has hidden or cleared a message, as far as the row knows."""
        return number in self.hidden or number <= self.cleared_number

    def _is_brought_back(self, other: "InboxRow") -> bool:
        """Return whether what another row says brings the group back from the archive: a message of a member."""
        if self.folder is not Folder.ARCHIVE or self.is_muted(other.last_at):
            return False
        return not frozenset(range(self.last_number + 1, other.last_number + 1)) <= other.systems

    @property
    def projected_users(self) -> tuple[UUID, ...]:
        """Return the users whose rows follow the group's log: both members, or the head for all."""
        return (self.user_uuid, self.peer_uuid) if self.peer_uuid else (HEAD,)

    @property
    def is_active(self) -> bool:
        """Return whether the user is an active member."""
        return self.state is MemberState.ACTIVE

    @property
    def is_request(self) -> bool:
        """Return whether the user has neither accepted the group nor answered, and may have declined it."""
        return self.folder is Folder.REQUESTS

    @property
    def is_declined(self) -> bool:
        """Return whether the user has declined the group, so that it is in no list."""
        return self.is_request and not self.is_active

    @property
    def is_pending(self) -> bool:
        """Return whether one of the two members has not accepted the other's request."""
        return self.awaits_acceptance or self.is_request

    @property
    def receiver_uuid(self) -> UUID:
        """Return the member of a pending group that is to accept it."""
        return self.user_uuid if self.is_request or self.peer_uuid is None else self.peer_uuid

    def is_muted(self, at: datetime) -> bool:
        """Return whether the group notifies of nothing at a time, and does not count as unread."""
        return self.muted_until is not None and self.muted_until > at

    @property
    def seen_number(self) -> int:
        """Return the number up to which nothing is unread: read, or cleared."""
        return max(self.read_number, self.cleared_number)

    @property
    def delivered_number(self) -> int:
        """Return the number of the last message that has reached the member; what is read counts."""
        return max(self.received_number, self.read_number)

    @property
    def has_ended(self) -> bool:
        """Return whether all messages have ended."""
        return self.ends_at is not None and self.ends_at <= now()

    @property
    def unread_mentions(self) -> list[int]:
        """Return the numbers of the newest unread messages that mention the user, at most 20, in order."""
        if not self.mentioned or self.has_ended:
            return []
        at, read = now(), self.seen_number
        unread = (number for number in self.mentioned if number > read and not self._is_gone(number, at))
        return sorted(unread)[-MAX_MENTIONS_COUNTED:]

    def _is_gone(self, number: int, at: datetime) -> bool:
        return number in self.systems or (number in self.gone and self.gone[number] <= at)

    @property
    def first_unread(self) -> int | None:
        """Return the number of the first unread message that is neither hidden nor expired, None without one."""
        if self.has_ended:
            return None
        after = range(self.seen_number + 1, self.last_number + 1)
        if not self.gone and not self.systems:
            return next(iter(after), None)
        at = now()
        return next((number for number in after if not self._is_gone(number, at)), None)

    @property
    def unread_until(self) -> datetime | None:
        """Return the time from which `unread_count` is lower, as an unread message expires or all of them have ended.

        None without one.
        """
        if not self.gone and self.ends_at is None:
            return None
        at = now()
        ends = [since for n, since in self.gone.items() if n > self.seen_number]
        if self.ends_at and self.unread_count:
            ends.append(self.ends_at)
        return min((since for since in ends if since > at), default=None)

    @property
    def unread_count(self) -> int:
        """Return the number of messages after the read marker that are neither cleared, hidden nor expired."""
        if self.has_ended:
            return 0
        if not self.gone and not self.systems:
            return max(0, self.last_number - self.seen_number)
        return unread(self.last_number, self.seen_number, self.gone, now(), self.systems)


@dataclass(frozen=True, slots=True)
class UnreadRows:
    """The number of unread rows in the inbox, and in the requests, until the next one expires or is muted no longer."""

    count: int
    until: datetime | None
    requests: int = 0


@dataclass(frozen=True, slots=True, order=True)
class InboxPosition:
    """A position in an inbox that is sorted by newest activity; the next page holds the rows strictly before it."""

    last_at: datetime
    group_uuid: UUID

    @classmethod
    def of(cls, row: InboxRow) -> "InboxPosition":
        """Return a row's own position."""
        return cls(row.last_at, row.group_uuid)


@dataclass(frozen=True, slots=True)
class BucketPosition:
    """A position in a large inbox: an entry of the index, which knows the ten minutes of a group's last activity.

    Groups behind it have no activity later than `latest_ms`: later ones of these ten minutes were before it.
    """

    bucket: int
    group_uuid: UUID
    latest_ms: int


def unread(
    last: int, read: int, gone: Mapping[int, datetime], at: datetime, systems: Collection[int] = frozenset()
) -> int:
    """Return the number of messages after the marker `read` without those that are `gone` at this time, or `systems`.

    A member's row of a group of several may have the marker beyond the end that it knows.
    """
    uncounted = {number for number, since in gone.items() if since <= at}.union(systems)
    return max(0, last - read) - sum(read < number <= last for number in uncounted)
