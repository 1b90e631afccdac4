"""Users and their names inside the service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class User:
    """A row of the users table, without the e-mail address, which no part of the service needs."""

    uuid: UUID
    handle: str
    display_name: str
    cognito_user_id: str
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """The user of an account, and whether an operator has disabled it. That of an erased user has no user."""

    user_uuid: UUID | None
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A recorded change of a user's account."""

    id: int
    user_uuid: UUID
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """The changes since a position, and the position from which to go on."""

    position: str
    changes: Sequence[AccountChange]


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user that is imported with an existing id; without a time of registration, it is registered now."""

    uuid: UUID
    handle: str
    display_name: str
    cognito_user_id: str
    email: str | None = None
    created_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewSubject:
    """A change of the Cognito subject of a user, from `before` to `after`."""

    uuid: UUID
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """A user that is erased. Once it is finished nothing is left of the user but what others were sent."""

    user_uuid: UUID
    erased_at: datetime
    handle_held_until: datetime
    removes_messages: bool
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """The numbers of what was removed, by its name."""


@dataclass(frozen=True, slots=True)
class StoredErasure:
    """An erasure as an export carries it: with the digests of the account's subject and of the held handle."""

    user_uuid: UUID
    subject_digest: bytes
    handle_digest: bytes | None
    erased_at: datetime
    handle_held_until: datetime
    removes_messages: bool


@dataclass(frozen=True, slots=True)
class Name:
    """The names of a user. `handle` is None when the account is gone."""

    display_name: str
    handle: str | None


DELETED_USER = Name("Deleted user", None)


def fold_handle(handle: str) -> str:
    """Return the handle in lower case, or unchanged if it is not ASCII: lower case makes a k of U+212A KELVIN SIGN."""
    return handle.lower() if handle.isascii() else handle
