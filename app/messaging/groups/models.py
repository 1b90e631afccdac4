"""Groups of several members inside the service: ids, roles, and what system messages say."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from app.messaging.records import record

HEAD = UUID(int=0)
"""The user of a group's head, in place of a member."""
MAX_TITLE = 50
MAX_SYSTEMS = 20
"""Numbers of system messages, the newest ones, that do not count as unread."""
_VERSION, _VARIANT = 8, 0b10


class Role(StrEnum):
    """The rights of a member: all write, admins also change the group and its members, the owner also the roles."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
"""The roles that may change a group and its members."""


class SystemEventType(StrEnum):
    """The kind of change that a system message tells of."""

    CREATED = "created"
    RENAMED = "renamed"
    HISTORY = "history"
    ADDED = "added"
    REMOVED = "removed"
    LEFT = "left"
    ROLE = "role"


@record(frozen=True, slots=True)
class SystemEvent:
    """The content of a system message: its sender has done this."""

    type: SystemEventType
    users: tuple[UUID, ...] = ()
    """The members that it was done to."""
    title: str | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group."""

    group_uuid: UUID
    user_uuid: UUID
    role: Role
    joined_at: datetime
    added_by: UUID


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """A group to create. `members` are the other users, without the one that creates it."""

    user_uuid: UUID
    title: str
    members: tuple[UUID, ...]
    uuid: UUID
    """The client's id of the group, which makes a repetition find it."""
    shows_history: bool = False


def new_group_uuid(creator: UUID, key: UUID) -> UUID:
    """Return the id of the group that a user creates with a key: a UUIDv8, so that it is told from a direct group's."""
    digest = int.from_bytes(sha256(creator.bytes + key.bytes).digest()[:16])
    digest &= ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=digest | _VERSION << 76 | _VARIANT << 62)


def has_head(group: UUID) -> bool:
    """Return whether a group's id is that of a group of several members, which has a head."""
    return (group.int >> 76) & 0xF == _VERSION
