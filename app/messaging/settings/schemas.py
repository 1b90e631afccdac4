"""Schemas of users' settings."""

from typing import Annotated, Any

from pydantic import Field

from app.http.types import RequestModel, ResponseModel
from app.messaging.settings.items import Senders, Setting, UserSettings
from app.users.models import User

_RECEIPTS: Any = {
    "description": "Whether others get the caller's read and delivered markers, and the caller gets theirs",
    "examples": [False],
}
_MESSAGES_FROM: Any = {
    "description": "Users that may start a group with the caller: `contacts` are those that the caller has written to"
    " or accepted. Groups that are there go on. Others are refused with 403 `cannot-message`",
    "examples": ["everyone"],
}
_TYPING: Any = {
    "description": "Whether others are shown when the caller types, and the caller is shown when they do",
    "examples": [False],
}
_PRESENCE: Any = {
    "description": "Whether the caller and those the caller writes with see of one another whether they are online",
    "examples": [True],
}
_DISCOVERABLE: Any = {
    "description": "Whether searches find the caller; if not, others need the whole handle",
    "examples": [False],
}


class SettingsView(ResponseModel):
    """The caller's settings. More may be added."""

    receipts: bool = Field(**_RECEIPTS)
    messages_from: Senders = Field(**_MESSAGES_FROM)
    typing: bool = Field(**_TYPING)
    presence: bool = Field(**_PRESENCE)
    is_discoverable: bool = Field(**_DISCOVERABLE)

    @classmethod
    def of(cls, settings: UserSettings, user: User) -> "SettingsView":
        return cls(
            receipts=settings.receipts,
            messages_from=settings.messages_from,
            typing=settings.typing,
            presence=settings.presence,
            is_discoverable=user.is_discoverable,
        )


class SettingsUpdate(RequestModel):
    """New values of settings; the others stay as they are."""

    receipts: Annotated[bool, Field(strict=True)] | None = Field(None, **_RECEIPTS)
    messages_from: Senders | None = Field(None, **_MESSAGES_FROM)
    typing: Annotated[bool, Field(strict=True)] | None = Field(None, **_TYPING)
    presence: Annotated[bool, Field(strict=True)] | None = Field(None, **_PRESENCE)
    is_discoverable: Annotated[bool, Field(strict=True)] | None = Field(None, **_DISCOVERABLE)

    def changes(self) -> dict[str, Setting]:
        """Return the new values of what UserSettings holds, by the names of its fields."""
        return self.model_dump(exclude_unset=True, exclude={"is_discoverable"})
