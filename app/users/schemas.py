"""Schemas of users."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from app.http.types import EXAMPLE_UUID, HANDLE, RequestModel, Timestamp, Uuid
from app.users.models import User
from app.users.shown_names import shown_lines, shown_name


def _visible(name: str) -> str:
    kept = shown_name(name)
    if not 1 <= len(kept) <= 50:
        raise ValueError("has no visible character, or more than 50")
    return kept


ABOUT_LENGTH, ABOUT_LINES = 160, 5


def _short(text: str) -> str:
    kept = shown_lines(text)
    if len(kept) > ABOUT_LENGTH or kept.count("\n") >= ABOUT_LINES:
        raise ValueError(f"has more than {ABOUT_LENGTH} visible characters, or more than {ABOUT_LINES} lines")
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


About = Annotated[str, Field(max_length=800), AfterValidator(_short)]
_about: Any = Field(
    description="What the user says about the own person, in a few lines; empty: nothing",
    max_length=ABOUT_LENGTH,
    examples=["Sailing, tea and type systems.\nBerlin"],
)


class UserCreate(RequestModel):
    """The handle and name of a new user."""

    handle: HandleCreate = Field(description="Unique handle in lower case; cannot be changed", examples=["amelie"])
    display_name: DisplayName = _new_display_name


class UserUpdate(RequestModel):
    """New values of a user's members; what is left out stays as it is."""

    display_name: DisplayName | None = Field(
        None,
        description="Display name, 1 to 50 characters; control and invisible characters are dropped",
        json_schema_extra={"minLength": 1, "maxLength": 50, "pattern": r"\S"},
        examples=["Amélie Laurent"],
    )
    about: About | None = Field(
        None,
        description="What the caller says about the own person: at most 160 characters in at most 5 lines; empty lines,"
        " control and invisible characters are dropped",
        json_schema_extra={"maxLength": ABOUT_LENGTH},
        examples=["Sailing, tea and type systems.\nBerlin"],
    )


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
class ProfileView(UserShortView):
    """The profile of a user, which all users can see."""

    about: Annotated[str, _about]

    @classmethod
    def of(cls, user: User) -> "ProfileView":
        return cls(user.uuid, user.handle, user.display_name, user.about)


@dataclass(slots=True)
class UserView(UserShortView):
    """The caller's own user."""

    created_at: Annotated[Timestamp, Field(description="Time of registration")]
    about: Annotated[str, _about]

    @classmethod
    def of(cls, user: User) -> "UserView":
        return cls(user.uuid, user.handle, user.display_name, user.created_at, user.about)
