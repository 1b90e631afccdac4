"""Schemas of reports."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.http.types import EXAMPLE_UUID, RequestModel, Timestamp, Uuid
from app.messaging.schemas import AS_STRING, Number, with_rule
from app.moderation.models import Report, ReportDraft, ReportReason
from app.moderation.service import NOTE_LENGTH
from app.users.schemas import GIVEN_HANDLE

ONE_TARGET = {
    "if": {"required": ["handle"]},
    "then": {"not": {"anyOf": [{"required": ["message_group_uuid"]}, {"required": ["number"]}]}},
    "else": {"required": ["message_group_uuid", "number"]},
}


class ReportCreate(RequestModel):
    """A report of a user, or of a message in a group of the caller, but not of both."""

    model_config = with_rule(ONE_TARGET)

    reason: ReportReason = Field(description="Why the user reports it", examples=["spam"])
    note: str | None = Field(
        None,
        description="What the operators should know, in the user's words",
        min_length=1,
        max_length=NOTE_LENGTH,
        pattern=r"^[^\u0000]*$",
        examples=["The third offer today"],
    )
    handle: str | None = Field(
        None,
        description="The user to report. Case does not matter",
        max_length=64,
        json_schema_extra=GIVEN_HANDLE,
        examples=["amelie"],
    )
    message_group_uuid: Uuid | None = Field(None, description="The group of the message", examples=[EXAMPLE_UUID])
    number: Number | None = Field(None, description="The number of the message to report", examples=[42])
    uuid: Uuid | None = Field(
        None,
        description="The client's id of this report. A repeated call with the same uuid and content gets the same"
        " answer.",
        examples=[EXAMPLE_UUID],
    )

    def draft(self, user: UUID) -> ReportDraft:
        """Return the user's report."""
        return ReportDraft(
            user, self.reason, self.note or "", self.uuid, self.handle, self.message_group_uuid, self.number
        )


@dataclass(slots=True)
class ReportView:
    """A report that the operators have."""

    uuid: Annotated[Uuid, Field(description="Id of the report", examples=[EXAMPLE_UUID])]
    reason: Annotated[ReportReason, AS_STRING, Field(description="The reason that was given", examples=["spam"])]
    created_at: Annotated[Timestamp, Field(description="When it was made")]

    @classmethod
    def of(cls, report: Report) -> "ReportView":
        return cls(report.uuid, report.reason, report.created_at)
