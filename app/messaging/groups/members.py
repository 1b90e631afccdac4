"""The members of groups: of a direct group by its row, of a group of several from a cache."""

import asyncio
from collections.abc import Collection
from uuid import UUID

from app.cache import Caches, CacheSpec, Codec
from app.concurrency import READ_SECONDS, deadline
from app.messaging.groups.store import HeadStore
from app.messaging.row_models import InboxRow

TTL = 30.0
"""The longest time in seconds that a process without Valkey sends events to the members of before. Streams of former
members deliver none of them."""
UUID_BYTES = 16


class Members:
    """Members of groups. Without caches each call reads them. Any method may raise Unavailable.

    They are the receivers of events. Whether a caller is a member is decided by the caller's own row.
    """

    def __init__(self, store: HeadStore, caches: Caches | None = None) -> None:
        self._store = store
        codec = Codec(lambda users: b"".join(user.bytes for user in users), _to_users)
        self._members = caches and caches.add(CacheSpec("members", self._load, UUID, ttl=TTL, codec=codec))

    async def of(self, row: InboxRow) -> Collection[UUID]:
        """Return the members of a row's group. Nothing for a direct group, else what `of_group` costs."""
        return (row.user_uuid, row.peer_uuid) if row.peer_uuid else await self.of_group(row.group_uuid)

    async def of_group(self, group: UUID) -> Collection[UUID]:
        """Return the members of a group of several. 1 RCU for each 4 KB, about 40, unless they are cached."""
        found = await self._members.get_many([group]) if self._members else await self._load([group])
        return found.get(group, ())

    async def discard(self, group: UUID) -> None:
        """Forget the members of a group, in all processes, after they have changed."""
        if self._members:
            await self._members.invalidate(group)

    async def _load(self, groups: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
        async with deadline(READ_SECONDS):
            found = await asyncio.gather(*map(self._store.members, groups))
        return {group: tuple(users) for group, users in zip(groups, found, strict=True) if users}


def _to_users(content: bytes) -> tuple[UUID, ...]:
    return tuple(UUID(bytes=content[at : at + UUID_BYTES]) for at in range(0, len(content), UUID_BYTES))
