"""Creation of groups of several members: members and rows first, the head last, with which a group is there."""

import asyncio
from collections.abc import Collection
from hashlib import sha256
from typing import Any
from uuid import UUID

from app.concurrency import SEND_SECONDS, TaskSet, deadline
from app.concurrency.publish import Publish, discard_events
from app.limits import Limits, take_own
from app.limits.rates import FIRST_CONTACT, RECEIVED_CONTACT
from app.messaging.errors import CannotAdd, GroupFull, GroupTaken
from app.messaging.events import GroupChanged
from app.messaging.groups import items
from app.messaging.groups.models import GroupDraft, Member, Role, SystemEvent, SystemEventType, new_group_uuid
from app.messaging.items import new_message
from app.messaging.models import Draft, Message, direct_group_uuid
from app.messaging.row_models import InboxRow, MemberState
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.users.suspensions import Suspensions


class Invitations:
    """Decides which users another user may bring into a group."""

    def __init__(self, store: MessagingStore, limits: Limits, suspensions: Suspensions) -> None:
        self._store = store
        self._limits = limits
        self._suspensions = suspensions

    async def require(self, user: UUID, others: Collection[UUID]) -> None:
        """Raise CannotAdd if one of these users cannot be added, whichever, and TooManyRequests.

        A user cannot that has blocked the caller or is blocked by the caller, or is disabled; and one that takes
        messages from contacts only, or from no further users, unless the two have a direct group that both have
        accepted. 2 RCU for each, and 1 RCU for each that does not take messages from everyone.
        """
        for other in others:
            self._limits.of(str(other)).take(RECEIVED_CONTACT)
        if any(map(self._suspensions.covers, others)) or await self._store.blocks.has_any(user, others):
            raise CannotAdd
        if not all(await asyncio.gather(*[self._takes_from(user, other) for other in others])):
            raise CannotAdd

    async def _takes_from(self, user: UUID, other: UUID) -> bool:
        if (await self._store.settings.settings(other)).messages_from == "everyone":
            return True
        row = await self._store.inbox_row(user, direct_group_uuid(user, other))
        return row is not None and not row.is_pending


class Creation:
    """Creates groups."""

    def __init__(
        self,
        messaging: Messaging,
        store: MessagingStore,
        invitations: Invitations,
        *,
        max_members: int,
        tasks: TaskSet,
        publish: Publish = discard_events,
    ) -> None:
        """Publish GroupChanged to each member."""
        self._messaging = messaging
        self._store = store
        self._invitations = invitations
        self._max_members = max_members
        self._tasks = tasks
        self._publish = publish

    async def create(self, draft: GroupDraft) -> InboxRow:
        """Create a group with the caller as its owner, and return the caller's row.

        A draft that is sent again returns the group of the first time. Raises GroupFull, CannotAdd, GroupTaken and
        TooManyRequests. 3 WCU for each member and 4, and what Invitations.require costs; no user sees the group before
        it is whole.
        """
        if len(draft.members) >= self._max_members:
            raise GroupFull(f"A group has at most {self._max_members} members")
        group = new_group_uuid(draft.user_uuid, draft.uuid)
        return await self._tasks.complete(self._create(draft, group), SEND_SECONDS)

    async def _create(self, draft: GroupDraft, group: UUID) -> InboxRow:
        digest = sha256(repr((draft.title, sorted(draft.members), draft.shows_history)).encode()).digest()[:16]
        async with deadline(2 * SEND_SECONDS):
            stored = await self._store.heads.digest(group)
            if stored is None:
                take_own(FIRST_CONTACT)
                await self._invitations.require(draft.user_uuid, draft.members)
                is_created = await self._write(draft, group, digest)
                stored = digest if is_created else await self._store.heads.digest(group)
            if stored != digest:
                raise GroupTaken
            row = await self._store.inbox_row(draft.user_uuid, group)
        if row is None or row.state is MemberState.LEFT:
            raise GroupTaken
        return row

    async def _write(self, draft: GroupDraft, group: UUID, digest: bytes) -> bool:
        """Write the group, and return whether it is there by this call."""
        event = SystemEvent(SystemEventType.CREATED, users=draft.members, title=draft.title)
        message = self._messaging.log.entry(Draft(draft.user_uuid, "", event=event), group=group)
        owner, users = draft.user_uuid, (draft.user_uuid, *draft.members)
        seen: dict[str, Any] = {"title": draft.title, "members": len(users), "shows_history": draft.shows_history}
        members = [Member(group, user, _first_role(user, owner), message.created_at, owner) for user in users]
        rows = [first_row(message, user, **seen) for user in users]
        await self._store.heads.prepare(members, rows)
        head = items.new_head(message, digest=digest, **seen)
        is_created = await self._store.heads.transact([new_message(message), head])
        if is_created:
            await self._publish(*map(GroupChanged, rows))
        return is_created


def first_row(message: Message, user: UUID, *, title: str, members: int, shows_history: bool) -> InboxRow:
    """Return the row of a new member after the system message that tells of it."""
    return InboxRow(
        user_uuid=user,
        group_uuid=message.group_uuid,
        peer_uuid=None,
        last_number=message.number,
        last_at=message.created_at,
        last_by=message.user_uuid,
        preview="",
        read_number=message.number,
        version=1,
        title=title,
        member_count=members,
        role=_first_role(user, message.user_uuid) if message.number == 1 else Role.MEMBER,
        systems=frozenset({message.number}),
        is_open=True,
        shows_history=shows_history,
        cleared_number=0 if shows_history else message.number - 1,
    )


def _first_role(user: UUID, creator: UUID) -> Role:
    return Role.OWNER if user == creator else Role.MEMBER
