"""Domain events of users."""

from dataclasses import dataclass

from app.users.models import User


@dataclass(frozen=True, slots=True)
class UserRenamed:
    """A user has another display name; `user` is the user with it."""

    user: User
