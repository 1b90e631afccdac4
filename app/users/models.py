"""Users and their names inside the service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Suspension:
    """The time from which an account is disabled, and that at which it is enabled again, None if an operator does."""

    at: datetime
    until: datetime | None = None

    @classmethod
    def of_columns(cls, disabled_at: datetime | None, disabled_until: datetime | None) -> "Suspension | None":
        """Return the suspension that a row of the users table says, None without one."""
        return cls(disabled_at, disabled_until) if disabled_at else None

    @property
    def is_over(self) -> bool:
        """Return whether its end has come."""
        return self.until is not None and self.until <= datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class User:
    """A row of the users table, without the e-mail address, which no part of the service needs."""

    uuid: UUID
    handle: str
    display_name: str
    cognito_user_id: str
    created_at: datetime
    suspension: Suspension | None = None
    about: str = ""
    """A few lines of the user about the own person."""
    is_discoverable: bool = True
    """False: no search finds the user but by the whole handle."""

    @classmethod
    def of_row(cls, row: Iterable[Any]) -> "User":
        """Return the user of a row, whose columns stand in this order, with those of a suspension in its place."""
        uuid, handle, display_name, sub, created_at, disabled_at, disabled_until, *profile = row
        suspension = Suspension.of_columns(disabled_at, disabled_until)
        return cls(UUID(int=uuid.int), handle, display_name, sub, created_at, suspension, *profile)

    @property
    def is_disabled(self) -> bool:
        """Return whether the account is disabled now."""
        return self.suspension is not None and not self.suspension.is_over


@dataclass(frozen=True, slots=True)
class DisabledUser:
    """A user that is disabled, and what the operator has noted about it."""

    uuid: UUID
    handle: str
    suspension: Suspension
    reason: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """The user of an account, and the suspension that an operator has put on it. That of an erased user has no user."""

    user_uuid: UUID | None
    suspension: Suspension | None = None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A recorded change of a user's account, and the suspension that the user has now."""

    id: int
    user_uuid: UUID
    subjects: tuple[str, ...]
    suspension: Suspension | None


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
    disabled_until: datetime | None = None
    disabled_reason: str | None = None
    about: str = ""
    is_discoverable: bool = True


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
