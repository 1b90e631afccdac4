"""Reports and reads of operators inside the service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ReportReason(StrEnum):
    """The reason of a report, by the words of its reporter."""

    SPAM = "spam"
    HARASSMENT = "harassment"
    THREAT = "threat"
    IMPERSONATION = "impersonation"
    ILLEGAL = "illegal"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """A report to make: of the user with a handle, or of a message by its group and number."""

    reporter_uuid: UUID
    reason: ReportReason
    note: str = ""
    uuid: UUID | None = None
    handle: str | None = None
    group_uuid: UUID | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ReportTarget:
    """A user, or a message of the user if there are a group and a number."""

    user_uuid: UUID
    group_uuid: UUID | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `messages` are the reported message and those around it as they stood for the reporter."""

    uuid: UUID
    reporter_uuid: UUID
    target: ReportTarget
    reason: ReportReason
    note: str
    messages: Sequence[Mapping[str, Any]]
    created_at: datetime
    id: int = 0
    """The number by which operators call it; 0 until it is stored."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    closing_note: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorRead:
    """An entry of the log of reads: a command that has shown messages of these people.

    Without people and group it may have shown messages of any user.
    """

    os_user: str
    operator: str
    command: str
    reason: str | None
    group_uuid: UUID | None
    people: frozenset[UUID]
    read_at: datetime | None = None

    @property
    def is_of_all(self) -> bool:
        """Return whether it may have shown messages of any user."""
        return not self.people and self.group_uuid is None
