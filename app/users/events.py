"""Domain events of users."""

from dataclasses import dataclass
from uuid import UUID

from app.users.models import User


@dataclass(frozen=True, slots=True)
class UserRenamed:
    """A user has another display name; `user` is the user with it."""

    user: User


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The account of a user was disabled, enabled, removed or moved; `subjects` are those before and after."""

    user_uuid: UUID
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyAccountChanged:
    """Any account may have changed: what is known of accounts has to be read anew."""
