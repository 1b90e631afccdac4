"""The rules of members' own views of groups."""

from uuid import UUID

from app.concurrency import READ_SECONDS, deadline
from app.messaging.errors import GroupNotFound
from app.messaging.events import GroupChanged
from app.messaging.models import InboxRow, MemberState
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.store import ViewStore
from app.messaging.service import Messaging
from app.publish import Publish, discard_events


class MyView:
    """Changes members' views of groups."""

    def __init__(self, messaging: Messaging, store: ViewStore, publish: Publish = discard_events) -> None:
        """Publish GroupChanged for each change."""
        self._messaging = messaging
        self._store = store
        self._publish = publish

    async def change(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow:
        """Change the caller's view of a group and return the row. A repetition changes nothing.

        Raises GroupNotFound, and may raise Unavailable. 1 WCU; 1 RCU in place of it for a change of nothing.
        """
        if change == ViewChange():
            return await self._messaging.group(user, group)
        async with deadline(READ_SECONDS):
            row = await self._store.change(user, group, change)
        if row is None or row.state is not MemberState.ACTIVE:
            raise GroupNotFound
        await self._publish(GroupChanged(row))  # of a repetition, too: the first answer may be lost, and its event
        return row
