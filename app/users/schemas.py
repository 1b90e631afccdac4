"""Schemas of users."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from app.http.types import EXAMPLE_UUID, HANDLE, RequestModel, Timestamp, Uuid
from app.text import shown_name
from app.users.models import User


def _visible(name: str) -> str:
    kept = shown_name(name)
    if not 1 <= len(kept) <= 50:
        raise ValueError("has no visible character, or more than 50")
    return kept


HandleCreate = Annotated[str, StringConstraints(min_length=3, max_length=30, pattern=HANDLE)]
_handle: Any = Field(
    description="Unique handle in lower case", min_length=3, max_length=30, pattern=HANDLE, examples=["amelie"]
)
_display_name: Any = Field(
    description="Display name; may change", min_length=1, max_length=50, examples=["Amélie Laurent"]
)


def display_name_of(whose: str) -> Any:
    """Return the field of the present display name of a user, such as `the sender`."""
    return Field(description=f"Display name of {whose}", min_length=1, max_length=50, examples=["Amélie Laurent"])


def handle_of(whose: str) -> Any:
    """Return the field of the handle of a user, such as `the sender`."""
    return Field(
        description=f"Handle of {whose}; null when the account is gone",
        min_length=3,
        max_length=30,
        pattern=HANDLE,
        examples=["amelie"],
    )


GIVEN_HANDLE: dict[str, Any] = {"minLength": 3, "maxLength": 31, "pattern": r"^@?[A-Za-z0-9_]{3,30}$"}
"""The rules for the handle of another user in a body. An unknown one is user-not-found, whatever is wrong with it."""
DisplayName = Annotated[str, Field(max_length=200), AfterValidator(_visible)]
_new_display_name: Any = Field(
    description="Display name, 1 to 50 characters; control and invisible characters are dropped",
    json_schema_extra={"minLength": 1, "maxLength": 50, "pattern": r"\S"},
    examples=["Amélie Laurent"],
)


class UserCreate(RequestModel):
    """The handle and name of a new user."""

    handle: HandleCreate = Field(description="Unique handle in lower case; cannot be changed", examples=["amelie"])
    display_name: DisplayName = _new_display_name


class UserUpdate(RequestModel):
    """The members of a user that may change."""

    display_name: DisplayName = _new_display_name


@dataclass(slots=True)
class UserShortView:
    """The public part of a user."""

    uuid: Annotated[Uuid, Field(description="Id of the user", examples=[EXAMPLE_UUID])]
    handle: Annotated[str, _handle]
    display_name: Annotated[str, _display_name]

    @classmethod
    def of(cls, user: User) -> "UserShortView":
        return cls(user.uuid, user.handle, user.display_name)


@dataclass(slots=True)
class UserView(UserShortView):
    """The caller's own user."""

    created_at: Annotated[Timestamp, Field(description="Time of registration")]

    @classmethod
    def of(cls, user: User) -> "UserView":
        return cls(user.uuid, user.handle, user.display_name, user.created_at)
