"""Schemas of users' settings."""

from typing import Annotated, Any

from pydantic import Field

from app.http.types import RequestModel, ResponseModel
from app.messaging.settings.items import UserSettings

_RECEIPTS: Any = {
    "description": "Whether others get the caller's read and delivered markers, and the caller gets theirs",
    "examples": [False],
}

_TYPING: Any = {
    "description": "Whether others are shown when the caller types, and the caller is shown when they do",
    "examples": [False],
}


class SettingsView(ResponseModel):
    """The caller's settings. More may be added."""

    receipts: bool = Field(**_RECEIPTS)
    typing: bool = Field(**_TYPING)

    @classmethod
    def of(cls, settings: UserSettings) -> "SettingsView":
        return cls(receipts=settings.receipts, typing=settings.typing)


class SettingsUpdate(RequestModel):
    """New values of settings; the others stay as they are."""

    receipts: Annotated[bool, Field(strict=True)] | None = Field(None, **_RECEIPTS)
    typing: Annotated[bool, Field(strict=True)] | None = Field(None, **_TYPING)

    def changes(self) -> dict[str, bool]:
        """Return the new values by the names of the settings."""
        return self.model_dump(exclude_unset=True)
