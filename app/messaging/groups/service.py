"""The rules of groups of several members: which members may change what, and the effect of each call."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from app.concurrency import READ_SECONDS, TaskSet, deadline
from app.concurrency.publish import Publish, discard_events
from app.gateways.dynamodb import Write
from app.limits import NO_LIMITS, Limits, charged_for
from app.limits.rates import LOOK_UP
from app.messaging.errors import GroupFull, GroupNotFound, MemberNotFound, NotManager, NotOwner
from app.messaging.groups import member_items
from app.messaging.groups.changes import GroupChange, GroupChanges
from app.messaging.groups.creation import Creation, Invitations, first_row
from app.messaging.groups.models import MANAGERS, Member, Role, SystemEvent, SystemEventType, has_head
from app.messaging.models import Message
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.users.errors import UserNotFound
from app.users.service import Users
from app.users.suspensions import NO_SUSPENSIONS, Suspensions


class Groups:
    """Groups of several members. A process has one instance. Any method may raise Unavailable.

    Each but `create` raises GroupNotFound for a caller that is no member. A change costs what GroupChanges.make costs,
    and 2 RCU before and after it.
    """

    def __init__(
        self,
        messaging: Messaging,
        store: MessagingStore,
        users: Users,
        *,
        max_members: int,
        tasks: TaskSet,
        publish: Publish = discard_events,
        limits: Limits = NO_LIMITS,
        suspensions: Suspensions = NO_SUSPENSIONS,
    ) -> None:
        """Publish what Creation and GroupChanges publish."""
        self._messaging = messaging
        self._store = store
        self._users = users
        self._max_members = max_members
        self._invitations = Invitations(store, limits, suspensions)
        self._changes = GroupChanges(messaging, store, tasks=tasks, publish=publish, limits=limits)
        self.create = Creation(
            messaging, store, self._invitations, max_members=max_members, tasks=tasks, publish=publish
        ).create

    async def users_of(self, handles: Sequence[str]) -> tuple[UUID, ...]:
        """Return the users of handles, each once. Raises UserNotFound."""
        with charged_for(UserNotFound, LOOK_UP):
            found = await asyncio.gather(*map(self._users.uuid_of_handle, handles))
        return tuple(dict.fromkeys(found))

    async def members(self, user: UUID, group: UUID) -> Sequence[Member]:
        """Return the members of a group, those with rights first. 2 RCU, and 1 RCU for each 4 KB, about 40."""
        await self._row(user, group)
        async with deadline(READ_SECONDS):
            found = await self._store.heads.list_members(group)
        order = list(Role)
        return sorted(found, key=lambda member: (order.index(member.role), member.joined_at, member.user_uuid))

    async def update(self, user: UUID, group: UUID, *, title: str | None, shows_history: bool | None) -> InboxRow:
        """Change a group and return the caller's row. Raises NotManager.

        A group that shows its history to new members goes on to do so.
        """
        row = await self._require_manager(user, group)
        if title is not None:
            renamed = SystemEvent(SystemEventType.RENAMED, title=title)
            await self._set(user, group, renamed, lambda row: row.title == title, title=title)
        if shows_history:
            shown = SystemEvent(SystemEventType.HISTORY)
            await self._set(user, group, shown, lambda row: row.shows_history, all=True)
        return row if title is None and not shows_history else await self._row(user, group)

    async def _set(
        self, user: UUID, group: UUID, event: SystemEvent, is_set: Callable[[InboxRow], bool], **attributes: str | bool
    ) -> None:
        """Give the head of a group attributes, and tell of it by a system message, unless it is so already."""

        async def decide() -> GroupChange | None:
            if is_set(await self._require_manager(user, group)):
                return None
            return GroupChange(event, [member_items.require_role(group, user)], attributes=attributes)

        await self._changes.make(user, group, decide)

    async def add(self, user: UUID, group: UUID, others: Sequence[UUID]) -> InboxRow:
        """Add users to a group, those that are members excepted, and return the caller's row.

        Raises NotManager, CannotAdd and GroupFull. 8 WCU for each user, and what Invitations.require costs.
        """
        row = await self._require_manager(user, group)
        present = await self._members(group)
        added = [other for other in others if other not in present]
        if not added:
            return row
        await self._invitations.require(user, added)
        await self._changes.make(user, group, partial(self._add, user, group, added))
        return await self._row(user, group)

    async def _add(self, user: UUID, group: UUID, others: Sequence[UUID]) -> GroupChange | None:
        await self._require_manager(user, group)
        present = await self._members(group)
        added = tuple(other for other in others if other not in present)
        if not added:
            return None

        def rows(message: Message, head: InboxRow) -> Sequence[Write]:
            count = head.member_count + len(added)
            if count > self._max_members:
                raise GroupFull(f"A group has at most {self._max_members} members")
            members = [Member(group, other, Role.MEMBER, message.created_at, user) for other in added]
            to_row = partial(first_row, title=head.title or "", members=count, shows_history=head.shows_history)
            rows = [to_row(message, other) for other in added]
            return [*map(member_items.new_member, members), *map(member_items.join_row, rows)]

        event, writes = SystemEvent(SystemEventType.ADDED, users=added), [member_items.require_role(group, user)]
        return GroupChange(event, writes, rows, members=len(added), told=added)

    async def remove(self, user: UUID, group: UUID, other: UUID) -> InboxRow:
        """Remove a member, and return the caller's row. A user that is no member changes nothing.

        Once it returns, the user reads and hears nothing of the group any more. Raises NotManager, and NotOwner for an
        admin that removes another or the owner. 7 WCU more for row and member.
        """
        await self._changes.make(user, group, partial(self._remove, user, group, other))
        return await self._row(user, group)

    async def _remove(self, user: UUID, group: UUID, other: UUID) -> GroupChange | None:
        row = await self._require_manager(user, group)
        removable = {Role.ADMIN, Role.MEMBER} if row.role is Role.OWNER else {Role.MEMBER}
        member = (await self._members(group)).get(other)
        if member is None:
            return None
        if member.role not in removable:
            raise NotOwner
        event = SystemEvent(SystemEventType.REMOVED, users=(other,))
        check, end = member_items.require_role(group, user), member_items.end_member(group, other, removable)
        return GroupChange(event, [check, end], partial(_leave_row, other), members=-1, told=[other])

    async def leave(self, user: UUID, group: UUID) -> InboxRow:
        """End the caller's membership and return the caller's row.

        In an owner's place the oldest admin, or else the oldest member, becomes the owner. 5 WCU more for row and
        member, and 4 for those of a new owner.
        """
        await self._row(user, group)
        await self._changes.make(user, group, partial(self._leave, user, group))
        async with deadline(READ_SECONDS):
            row = await self._store.inbox_row(user, group)
        if row is None:
            raise GroupNotFound
        return row

    async def _leave(self, user: UUID, group: UUID) -> GroupChange | None:
        members = await self._members(group)
        if (own := members.pop(user, None)) is None:
            return None
        event, told = SystemEvent(SystemEventType.LEFT), [user]
        writes: list[Write] = [member_items.end_member(group, user, {own.role})]
        if own.role is Role.OWNER and (heir := _heir(members.values())):
            event = SystemEvent(SystemEventType.LEFT, users=(heir.user_uuid,), role=Role.OWNER)
            writes += member_items.change_role(group, heir.user_uuid, Role.OWNER, heir.role)
            told.append(heir.user_uuid)
        return GroupChange(event, writes, partial(_leave_row, user), members=-1, told=told)

    async def change_role(self, user: UUID, group: UUID, other: UUID, role: Role) -> InboxRow:
        """Give a member another role, and return the caller's row. An owner that makes another one becomes an admin.

        Raises NotOwner and MemberNotFound. 4 WCU more for row and member, and 4 for those of the former owner.
        """
        await self._changes.make(user, group, partial(self._change_role, user, group, other, role))
        return await self._row(user, group)

    async def _change_role(self, user: UUID, group: UUID, other: UUID, role: Role) -> GroupChange | None:
        row = await self._row(user, group)
        member = (await self._members(group)).get(other)
        if member is None:
            raise MemberNotFound
        if row.role is not Role.OWNER:
            raise NotOwner
        if member.role is role:
            return None
        if other == user:
            raise NotOwner("The owner stays one until another member becomes the owner")
        writes: list[Write] = [*member_items.change_role(group, other, role, member.role)]
        if role is Role.OWNER:
            writes += member_items.change_role(group, user, Role.ADMIN, Role.OWNER)
        else:
            writes.append(member_items.require_role(group, user, {Role.OWNER}))
        return GroupChange(SystemEvent(SystemEventType.ROLE, users=(other,), role=role), writes, told=[other, user])

    async def _row(self, user: UUID, group: UUID) -> InboxRow:
        if not has_head(group):
            raise GroupNotFound
        return await self._messaging.group(user, group)

    async def _require_manager(self, user: UUID, group: UUID) -> InboxRow:
        row = await self._row(user, group)
        if row.role not in MANAGERS:
            raise NotManager
        return row

    async def _members(self, group: UUID) -> dict[UUID, Member]:
        async with deadline(READ_SECONDS):
            return {member.user_uuid: member for member in await self._store.heads.list_members(group)}


def _leave_row(user: UUID, _: Message, head: InboxRow) -> Sequence[Write]:
    return [member_items.leave_row(user, head.group_uuid, head.head_version + 1)]


def _heir(members: Iterable[Member]) -> Member | None:
    """Return the member that owns the group once its owner has left: the oldest admin, else the oldest member."""
    return min(members, key=lambda each: (each.role is not Role.ADMIN, each.joined_at, each.user_uuid), default=None)
