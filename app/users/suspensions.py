"""Suspensions: which users are disabled, known without asking, so that each send can refuse to reach them."""

from uuid import UUID

from app.users.events import AccountChanged, AnyAccountChanged
from app.users.models import Suspension

MOST_SUSPENDED = 100_000
"""Users that are known to be disabled, those that were disabled last."""


class Suspensions:
    """The users that are disabled now, as the events of AccountWatch say. Before the first event none is."""

    def __init__(self) -> None:
        self._known: dict[UUID, Suspension] = {}

    async def record(self, *events: AccountChanged | AnyAccountChanged) -> None:
        """Take over what the events say. Comes before other listeners: what refuses the user may rely on it."""
        for event in events:
            if isinstance(event, AnyAccountChanged):
                self._known = dict(event.suspensions)
                continue
            self._known.pop(event.user_uuid, None)
            if event.suspension:
                self._known[event.user_uuid] = event.suspension
            if len(self._known) > MOST_SUSPENDED:
                del self._known[next(iter(self._known))]

    def covers(self, user: UUID) -> bool:
        """Return whether the user is disabled now."""
        suspension = self._known.get(user)
        return suspension is not None and not suspension.is_over


NO_SUSPENSIONS = Suspensions()
"""No user is disabled, as in processes without AccountWatch."""
