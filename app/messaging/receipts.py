"""Receipts: the markers of a group's members, without those of members that do not share theirs with the caller."""

from collections.abc import Sequence
from uuid import UUID

from app.messaging.changes import Changes
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.settings.service import UserSettingsService


class Receipts:
    """Reads members' markers. Every call raises GroupNotFound, and may raise Unavailable."""

    def __init__(self, messaging: Messaging, changes: Changes, settings: UserSettingsService) -> None:
        self._messaging = messaging
        self._changes = changes
        self._settings = settings

    async def markers(self, user: UUID, group: UUID) -> list[InboxRow]:
        """Return the rows of the members whose markers the caller gets, and the caller's own.

        1.5 RCU, and those of settings that are not cached.
        """
        rows = await self._messaging.markers.member_rows(user, group)
        shown = await self._settings.sharing_receipts(user, [row.user_uuid for row in rows if row.user_uuid != user])
        return [row for row in rows if row.user_uuid == user or row.user_uuid in shown]

    async def of_message(self, user: UUID, group: UUID, number: int) -> Sequence[InboxRow]:
        """Return the rows of those members, but its sender and the caller, that have received a message.

        Raises MessageNotFound. 2 RCU more than `markers`.
        """
        message = await self._changes.message(user, group, number)
        others = [row for row in await self.markers(user, group) if row.user_uuid not in {user, message.user_uuid}]
        return [row for row in others if row.delivered_number >= number]
