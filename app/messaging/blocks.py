"""The rules of blocks: while one of two users blocks the other, neither can write, react or type to the other.

What was written before stays readable to both. Answers do not tell which of the two has blocked the other.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from app.concurrency import READ_SECONDS, SEND_SECONDS, TaskSet, deadline
from app.concurrency.publish import Publish, discard_events
from app.limits import charged_for
from app.limits.rates import LOOK_UP
from app.messaging.clock import now
from app.messaging.errors import BlockSelf
from app.messaging.events import GroupChanged, UserBlocked
from app.messaging.models import Block, direct_group_uuid
from app.messaging.store import MessagingStore
from app.users.errors import UserNotFound
from app.users.service import Users


class Blocks:
    """The blocks of users. A process has one instance. Any method may raise Unavailable."""

    def __init__(
        self,
        store: MessagingStore,
        users: Users,
        *,
        tasks: TaskSet,
        publish: Publish = discard_events,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Publish UserBlocked for a new block; for the caller's row GroupChanged after a block and after its end."""
        self._store = store
        self._users = users
        self._tasks = tasks
        self._publish = publish
        self._clock = clock

    async def block(self, user: UUID, handle: str) -> Block:
        """Block the user of this handle, and return the block, or the one that is there.

        Once it returns, no message of one to the other is appended any more. Raises UserNotFound and BlockSelf. 8 WCU
        and 6 RCU.
        """
        other = await self._other(user, handle)
        return await self._tasks.complete(self._block(Block(user, other, self._clock())), SEND_SECONDS)

    async def _block(self, block: Block) -> Block:
        async with deadline(2 * SEND_SECONDS):
            found = await self._store.blocks.block(block)
        if found == block:  # a repetition must not be noticed by the other
            await self._publish(UserBlocked(block.user_uuid, block.other_uuid))
        await self._notify(block.user_uuid, block.other_uuid)
        return found

    async def unblock(self, user: UUID, handle: str) -> UUID:
        """End the block of the user of this handle, if there is one, and return the user. 10 WCU and 6 RCU."""
        other = await self._other(user, handle)
        await self._tasks.complete(self._unblock(user, other), SEND_SECONDS)
        return other

    async def _unblock(self, user: UUID, other: UUID) -> None:
        async with deadline(2 * SEND_SECONDS):
            await self._store.blocks.unblock(user, other)
        await self._notify(user, other)

    async def blocks(self, user: UUID, *, after: UUID | None, limit: int) -> Sequence[Block]:
        """Return a user's blocks in the order of the others' ids. 1 RCU for each 4 KB, about 35."""
        async with deadline(READ_SECONDS):
            return await self._store.blocks.blocks(user, after=after, limit=limit)

    async def _other(self, user: UUID, handle: str) -> UUID:
        with charged_for(UserNotFound, LOOK_UP):
            other = await self._users.uuid_of_handle(handle)
        if other == user:
            raise BlockSelf
        return other

    async def _notify(self, user: UUID, other: UUID) -> None:
        async with deadline(READ_SECONDS):
            row = await self._store.inbox_row(user, direct_group_uuid(user, other))
        if row:
            await self._publish(GroupChanged(row))
