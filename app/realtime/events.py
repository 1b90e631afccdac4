"""Events on their way between processes, as JSON."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import structlog
from pydantic import Field, TypeAdapter, ValidationError

from app.messaging.events import GroupChanged, MarkerMoved, MessageAppended, TypingChanged

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """Somebody whom the receiver knows has another name."""

    to: UUID
    uuid: UUID
    handle: str
    display_name: str
    kind: Literal["profile"] = "profile"


@dataclass(frozen=True, slots=True)
class EventsLost:
    """Something was not told to the receiver: their rows say what."""

    to: UUID
    kind: Literal["lost"] = "lost"


LiveEvent: TypeAlias = MessageAppended | GroupChanged | MarkerMoved | TypingChanged | ProfileChanged | EventsLost
_adapter: TypeAdapter[LiveEvent] = TypeAdapter(Annotated[LiveEvent, Field(discriminator="kind")])


def encode(event: LiveEvent) -> bytes:
    return _adapter.dump_json(event)


def decode(payload: bytes, *, to: UUID) -> LiveEvent:
    """The event, or EventsLost for what only a newer process understands."""
    try:
        return _adapter.validate_json(payload)
    except ValidationError:
        log.warning("event_not_understood")
        return EventsLost(to)
