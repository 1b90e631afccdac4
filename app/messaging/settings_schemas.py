"""Schemas of users' settings."""

from typing import Annotated, Any

from pydantic import Field

from app.http.types import RequestModel, ResponseModel
from app.messaging.settings_items import Senders, Setting, UserSettings

_RECEIPTS: Any = {
    "description": "Whether others get the caller's read and delivered markers, and the caller gets theirs",
    "examples": [False],
}
_MESSAGES_FROM: Any = {
    "description": "Users that may start a group with the caller: `contacts` are those that the caller has written to"
    " or accepted. Groups that are there go on. Others are refused with 403 `cannot-message`",
    "examples": ["everyone"],
}


class SettingsView(ResponseModel):
    """The caller's settings. More may be added."""

    receipts: bool = Field(**_RECEIPTS)
    messages_from: Senders = Field(**_MESSAGES_FROM)

    @classmethod
    def of(cls, settings: UserSettings) -> "SettingsView":
        return cls(receipts=settings.receipts, messages_from=settings.messages_from)


class SettingsUpdate(RequestModel):
    """New values of settings; the others stay as they are."""

    receipts: Annotated[bool, Field(strict=True)] | None = Field(None, **_RECEIPTS)
    messages_from: Senders | None = Field(None, **_MESSAGES_FROM)

    def changes(self) -> dict[str, Setting]:
        """Return the new values by the names of the settings."""
        return self.model_dump(exclude_unset=True)
