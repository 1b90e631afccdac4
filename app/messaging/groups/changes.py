"""Changes of groups of several members: each is one transaction, with the system message that tells of it.

The message takes the next number of the log, and with it the head, and the members and rows concerned are written. So a
member that is removed has no message after the one that says so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION, SEND_SECONDS, TaskSet, deadline
from app.concurrency.publish import Publish, discard_events
from app.errors import Unavailable
from app.gateways.dynamodb import Write
from app.limits import NO_LIMITS, Limits
from app.limits.rates import GROUP_SEND
from app.messaging.errors import GroupNotFound
from app.messaging.events import GroupChanged, MessageAppended
from app.messaging.group_locks import Tail
from app.messaging.groups.items import change_head
from app.messaging.groups.models import SystemEvent
from app.messaging.items import new_message
from app.messaging.models import Draft, Message
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore

ATTEMPTS = 16
"""Attempts of a change of a group that others write to at the same time."""


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A change of a group as it stands."""

    event: SystemEvent
    writes: Sequence[Write]
    """The writes of members, on the conditions under which it was decided."""
    rows: Callable[[Message, InboxRow], Sequence[Write]] = lambda _message, _head: ()
    """Returns the writes of rows that depend on the system message and on the head."""
    members: int = 0
    """The number of members by which the group grows."""
    attributes: Mapping[str, str | bool] = field(default_factory=dict)
    """Other attributes that the head gets."""
    told: Collection[UUID] = ()
    """Users whose rows the change writes."""

    def plan(self, message: Message, head: InboxRow) -> list[Write]:
        """Return what is written beside the system message; it fails if the group has changed since it was read."""
        update = change_head(message, head, members=self.members, **self.attributes)
        return [update, *self.writes, *self.rows(message, head)]


Decide: TypeAlias = Callable[[], Awaitable[GroupChange | None]]
"""Returns the change to make, as the group stands, or None if there is none to make; or raises why it may not be."""


class GroupChanges:
    """Commits changes of groups."""

    def __init__(
        self,
        messaging: Messaging,
        store: MessagingStore,
        *,
        tasks: TaskSet,
        publish: Publish = discard_events,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Publish each system message for the head, and GroupChanged to users whose rows a change has written."""
        self._messaging = messaging
        self._store = store
        self._tasks = tasks
        self._publish = publish
        self._limits = limits

    async def make(self, user: UUID, group: UUID, decide: Decide) -> None:
        """Make a change in a user's name, if there is one to make.

        Raises what `decide` and the plan raise, TooManyRequests and Unavailable. 4 WCU for the message and the head,
        twice those of the other writes, and 3 RCU.
        """
        await self._tasks.complete(self._make(user, group, decide), 2 * SEND_SECONDS)

    async def _make(self, user: UUID, group: UUID, decide: Decide) -> None:
        async with deadline(2 * SEND_SECONDS):
            for attempt in range(ATTEMPTS):
                change = await decide()
                if change is None or await self._commit(user, group, change):
                    return
                await asyncio.sleep(NUMBER_CONTENTION.seconds(attempt))
            raise Unavailable("Others change the group at the same time")

    async def _commit(self, user: UUID, group: UUID, change: GroupChange) -> bool:
        """Append the system message with all that a change writes, tell of it, and return whether it is committed."""
        self._limits.of(str(group)).take(GROUP_SEND)
        async with self._messaging.log.turn(group) as turn:
            head = await self._head(group)
            message = turn.entry(Draft(user, "", event=change.event), Tail(head.last_number, head.last_at))
            if not await self._store.heads.transact([new_message(message), *change.plan(message, head)]):
                return False
            turn.record(message)
        await self._messaging.members.discard(group)
        if after := await self._store.heads.head(group):
            await self._publish(MessageAppended(message, after))
        # Before the answer: streams of former members are silent from then on.
        rows = await asyncio.gather(*[self._store.inbox_row(told, group) for told in change.told])
        await self._publish(*[GroupChanged(row) for row in rows if row])
        await asyncio.gather(*[self._unpin(row) for row in rows if row and not row.is_active])
        return True

    async def _head(self, group: UUID) -> InboxRow:
        """Return the head at the end of its log, where a process that ended may not have brought it."""
        head = await self._store.heads.head(group)
        if head is None:
            raise GroupNotFound
        newest = await self._store.newest_messages(group, limit=1, consistent=True)
        if newest and newest[-1].number > head.last_number:
            head = await self._store.heads.advance(newest[-1]) or head
        return head

    async def _unpin(self, row: InboxRow) -> None:
        """Give the place of a pinned group that its user has left to the groups below it."""
        below = await self._store.views.unpin(row.user_uuid, row.group_uuid)
        rows = await asyncio.gather(*[self._store.inbox_row(row.user_uuid, group) for group in below])
        await self._publish(*[GroupChanged(row) for row in rows if row])
