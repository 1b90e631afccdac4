"""Domain events of settings."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PresenceShared:
    """A user has decided whether to share presence, perhaps as before."""

    user_uuid: UUID
    is_shared: bool
