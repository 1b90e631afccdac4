"""Schemas of the caller's own view of a message group."""

from typing import Annotated

from pydantic import Field

from app.http.types import RequestModel, Time
from app.messaging.clock import now
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.pins import MAX_PINS
from app.messaging.schemas import Number


class ViewUpdate(RequestModel):
    """New values in the caller's view of a group; what is left out stays as it is."""

    is_marked_unread: Annotated[bool, Field(strict=True)] | None = Field(
        None, description="Whether the group counts as unread although its messages were read", examples=[True]
    )

    muted_until: Time | None = Field(
        None,
        description="No notifications before this time, and the group does not count as unread. A time far away mutes"
        " it for ever, and one that is past ends it",
    )
    is_archived: Annotated[bool, Field(strict=True)] | None = Field(
        None, description="Whether the group is in the archive instead of the inbox", examples=[True]
    )
    cleared_number: Number | None = Field(
        None,
        description="Number up to which the history is cleared for the caller; a lower one than before changes nothing",
        examples=[42],
    )
    pin_position: Annotated[int, Field(strict=True, ge=0, le=MAX_PINS)] | None = Field(
        None,
        description="Position among the pinned groups, from 1 on: the others move. A position after the last one is the"
        " last one, and 0 unpins the group",
        examples=[1],
    )

    def change(self) -> ViewChange:
        changes = self.model_dump(exclude_unset=True)
        if self.muted_until and self.muted_until <= now():
            changes["muted_until"] = None
        if self.pin_position == 0:
            changes["pin_position"] = None
        return ViewChange(**changes)
