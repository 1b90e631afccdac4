"""Domain events of users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.users.models import Suspension, User


@dataclass(frozen=True, slots=True)
class UserRenamed:
    """A user has another display name; `user` is the user with it."""

    user: User


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The account of a user was disabled, enabled, removed or moved; `subjects` are those before and after."""

    user_uuid: UUID
    subjects: tuple[str, ...]
    suspension: Suspension | None = None


@dataclass(frozen=True, slots=True)
class AnyAccountChanged:
    """Any account may have changed: what is known of accounts has to be read anew. The suspensions are all of them."""

    suspensions: Mapping[UUID, Suspension] = field(default_factory=dict)
