"""Sweep: removes what is left of an erased user in DynamoDB, and proves at its end that nothing is.

Its steps, each of which may be repeated by any process, are:

1. Memberships end, and in direct groups other members' sends are refused. Calls that were admitted before are over a
   moment later, as none outlives its deadline. A group that has no head by then is created no more.
2. In each group, the user's reactions are removed, and the user's messages if that is the policy, by the change log, so
   that other members' previews and events follow. System messages stay. The log is read again until there is nothing
   to remove. A group without another member, or whose other member is erased, too, is deleted whole.
3. Only then the group's row goes: until then it says that the group is not done.
4. Everything else under the user's key goes. The sweep is over when a strongly consistent read finds nothing there.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from uuid import UUID

from app.concurrency import SEND_SECONDS
from app.concurrency.publish import Publish, discard_events
from app.gateways.dynamodb import StoredItem
from app.messaging import erasure_items
from app.messaging.changes import Changes
from app.messaging.erasure_store import MemberErasureStore
from app.messaging.errors import GroupNotFound
from app.messaging.events import GroupChanged
from app.messaging.models import ChangeDraft, ChangeType, Message, MessageKind
from app.messaging.row_models import InboxRow, MemberState
from app.users.erasure_store import LEASE_SECONDS, ErasureStore
from app.users.models import Erasure

QUIET_SECONDS = 2 * SEND_SECONDS + 2
"""Time from the end of a membership to the first read that counts: the deadline of a send, and what a call takes."""
WRITES_PER_SECOND = 20.0


@dataclass(frozen=True, slots=True)
class SweepTools:
    """The parts of the service that sweeps use, and how fast they go.

    GroupChanged is published to each other member, as the user has no name any more.
    """

    store: MemberErasureStore
    changes: Changes
    erasures: ErasureStore
    leave: Callable[[UUID, UUID], Awaitable[InboxRow]]
    """Ends a user's membership of a group of several members."""
    publish: Publish = discard_events
    _: KW_ONLY
    writes_per_second: float = WRITES_PER_SECOND
    quiet_seconds: float = QUIET_SECONDS


class Sweep:
    """The sweep of one user, whose work the process has leased. `counts` has what was removed, by its name."""

    def __init__(self, tools: SweepTools, erasure: Erasure) -> None:
        self._store = tools.store
        self._tools = tools
        self._erasure = erasure
        self._renewed_at = time.monotonic()
        self._headless: set[UUID] = set()
        """The groups of several that had no head at the first look."""
        self.counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Remove what is left of the user. Raises Unavailable.

        For each group 4 WCU and 2 RCU, for one of several what leaving it costs, and 2 WCU; for each reaction or
        message that is removed what a change costs, and 1 RCU for each 20 messages that are read. 1 RCU if nothing is
        left.
        """
        is_closed = False
        while found := await self._store.items_of(self._erasure.user_uuid):
            rows = [row for item in found if (row := erasure_items.to_row(item))]
            if not is_closed or any(row.state is MemberState.ACTIVE for row in rows):
                is_closed = True  # an active row is of a group that was started meanwhile
                await self._close_groups()
                continue
            for item in found:
                await self._remove(item)

    async def _close_groups(self) -> None:
        is_member = False
        async for row in self._store.rows_of(self._erasure.user_uuid):
            is_member = True
            await self._wait()
            if row.peer_uuid is None:
                await self._leave(row)
            elif peer := await self._store.close(row, row.peer_uuid):
                await self._tools.publish(GroupChanged(peer))
        if is_member:
            await asyncio.sleep(self._tools.quiet_seconds)

    async def _leave(self, row: InboxRow) -> None:
        """Leave a group of several members; one without a head only at the second look, as it may be created now."""
        try:
            if (await self._tools.leave(row.user_uuid, row.group_uuid)).state is MemberState.LEFT:
                return
        except GroupNotFound:
            if row.group_uuid not in self._headless:
                self._headless.add(row.group_uuid)
                return
        await self._store.end(row)

    async def _remove(self, item: StoredItem) -> None:
        if row := erasure_items.to_row(item):
            if row.peer_uuid:
                has_readers = not await self._tools.erasures.erased_users([row.peer_uuid])
            else:
                await self._store.end(row)  # there is no member without a row
                has_readers = await self._store.has_members(row.group_uuid)
            if has_readers:
                while await self._remove_from(row):
                    pass
            else:  # the log goes with the last member
                async for entry in self._store.items_of_group(row.group_uuid, without=row.user_uuid):
                    await self._delete(entry)
                    self.counts["log_entries"] += 1
        self.counts["groups" if row else "items"] += 1
        await self._delete(item)

    async def _delete(self, item: StoredItem) -> None:
        await self._wait()
        await self._store.delete(item)

    async def _remove_from(self, row: InboxRow) -> bool:
        """Remove the user's reactions and messages from a group, and return whether there was anything to remove."""
        is_found = False
        async for message in self._store.messages(row.group_uuid):
            for draft in _drafts(message, self._erasure):
                is_found = True
                await self._wait()
                await self._tools.changes.erase(draft, row)
                self.counts["messages" if draft.type is ChangeType.DELETE else "reactions"] += 1
        return is_found

    async def _wait(self) -> None:
        """Wait for the next write, and renew the lease in time."""
        await asyncio.sleep(1 / self._tools.writes_per_second)
        if time.monotonic() - self._renewed_at > LEASE_SECONDS / 4:
            self._renewed_at = time.monotonic()
            await self._tools.erasures.renew(self._erasure.user_uuid)


def _drafts(message: Message, erasure: Erasure) -> list[ChangeDraft]:
    """Return the changes after which a message has nothing more of a user than it may."""
    user, group, number = erasure.user_uuid, message.group_uuid, message.number
    if message.deleted_at or message.kind is MessageKind.SYSTEM:
        return []
    if message.user_uuid == user and erasure.removes_messages:
        return [ChangeDraft(user, group, number, ChangeType.DELETE)]
    return [
        ChangeDraft(user, group, number, ChangeType.UNREACT, emoji=emoji)
        for emoji, users in message.reactions.items()
        if user in users
    ]
