"""The rules of requests: a user that is written to by a stranger accepts or declines, and tells nothing until then.

A message of the receiver accepts, too: by the projection, which moves both rows to it.
"""

import asyncio
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION, SEND_SECONDS, TaskSet, deadline
from app.concurrency.publish import Publish, discard_events
from app.errors import Unavailable
from app.messaging.errors import GroupNotFound
from app.messaging.events import GroupChanged
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore

ATTEMPTS = 8
"""Attempts to write a row that others write at the same time."""


class Requests:
    """Accepts and declines requests. A process has one instance. Any method may raise Unavailable."""

    def __init__(
        self, messaging: Messaging, store: MessagingStore, *, tasks: TaskSet, publish: Publish = discard_events
    ) -> None:
        """Publish GroupChanged to the receiver, and what the requester may know from then on."""
        self._messaging = messaging
        self._store = store
        self._tasks = tasks
        self._publish = publish

    async def accept(self, user: UUID, group: UUID) -> InboxRow:
        """Accept a request, and return the receiver's row; a group that is none stays as it is.

        Raises GroupNotFound. 6 WCU and 2.5 RCU; 1 RCU for a group that is none.
        """
        return await self._tasks.complete(self._accept(user, group), SEND_SECONDS)

    async def _accept(self, user: UUID, group: UUID) -> InboxRow:
        async with deadline(2 * SEND_SECONDS):
            row = await self._messaging.group(user, group)
            if row.is_request:
                await self._store.requests.accept(row)
                row = await self._messaging.group(user, group)
            await self._publish(GroupChanged(row))  # of a repetition, too: the first answer may be lost, and its event
            await self._messaging.markers.share(row)
        return row

    async def decline(self, user: UUID, group: UUID) -> InboxRow:
        """Take a request from the receiver's lists, and return the receiver's row; a group that is none stays as it is.

        The requester notices nothing. Raises GroupNotFound. 2 WCU and 1 RCU; 1 RCU if there is nothing to decline.
        """
        return await self._tasks.complete(self._decline(user, group), SEND_SECONDS)

    async def _decline(self, user: UUID, group: UUID) -> InboxRow:
        async with deadline(2 * SEND_SECONDS):
            for attempt in range(ATTEMPTS):
                row = await self._store.inbox_row(user, group)
                if row is None or not (row.is_active or row.is_request):
                    raise GroupNotFound
                declined = await self._store.requests.decline(row) if row.is_request and row.is_active else row
                if declined:
                    await self._publish(GroupChanged(declined))
                    return declined
                await asyncio.sleep(NUMBER_CONTENTION.seconds(attempt))
        raise Unavailable("Others write the inbox row at the same time")
