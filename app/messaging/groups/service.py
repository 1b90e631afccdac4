"""The rules of groups of several members: which members may change what, and the effect of each call.

Each change of a group is one transaction: the system message that tells of it at the next number of the log, the head,
and the members and rows concerned. So a member that is removed has no message after the one that says so.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import TypeAlias
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION, READ_SECONDS, SEND_SECONDS, TaskSet, deadline
from app.errors import Unavailable
from app.gateways.dynamodb import Write
from app.limits import NO_LIMITS, Limits, charged_for, take_own
from app.limits.rates import FIRST_CONTACT, GROUP_SEND, LOOK_UP, RECEIVED_CONTACT
from app.messaging.errors import CannotAdd, GroupFull, GroupNotFound, GroupTaken, MemberNotFound, NotManager, NotOwner
from app.messaging.events import GroupChanged, MessageAppended
from app.messaging.group_locks import Tail
from app.messaging.groups import items
from app.messaging.groups.models import (
    MANAGERS,
    GroupDraft,
    Member,
    Role,
    SystemEvent,
    SystemEventType,
    has_head,
    new_group_uuid,
)
from app.messaging.items import new_message
from app.messaging.models import Draft, InboxRow, MemberState, Message
from app.messaging.my_view.store import ViewStore
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.publish import Publish, discard_events
from app.users.errors import UserNotFound
from app.users.service import Users
from app.users.suspensions import NO_SUSPENSIONS, Suspensions

ATTEMPTS = 16
"""Attempts of a change of a group that others write to at the same time."""
Plan: TypeAlias = Callable[[Message, InboxRow], list[Write]]
"""Returns what a change writes beside its system message, given that and the head."""


class Groups:
    """Groups of several members. A process has one instance. Any method may raise Unavailable.

    Each but `create` raises GroupNotFound for a caller that is no member.
    """

    def __init__(
        self,
        messaging: Messaging,
        store: MessagingStore,
        views: ViewStore,
        users: Users,
        *,
        max_members: int,
        tasks: TaskSet,
        publish: Publish = discard_events,
        limits: Limits = NO_LIMITS,
        suspensions: Suspensions = NO_SUSPENSIONS,
    ) -> None:
        """Publish the message that tells of each change for the head, and GroupChanged to users that come and go."""
        self._messaging = messaging
        self._store = store
        self._users = users
        self._views = views
        self._max_members = max_members
        self._tasks = tasks
        self._publish = publish
        self._limits = limits
        self._suspensions = suspensions

    async def users_of(self, handles: Sequence[str]) -> tuple[UUID, ...]:
        """Return the users of handles, each once. Raises UserNotFound."""
        with charged_for(UserNotFound, LOOK_UP):
            found = await asyncio.gather(*map(self._users.uuid_of_handle, handles))
        return tuple(dict.fromkeys(found))

    async def create(self, draft: GroupDraft) -> InboxRow:
        """Create a group with the caller as its owner, and return the caller's row.

        A draft that is sent again returns the group of the first time. Raises GroupFull, CannotAdd, GroupTaken and
        TooManyRequests. 3 WCU for each member and 4, and 1 RCU for each of the others; no user sees it before it is
        whole.
        """
        if len(draft.members) >= self._max_members:
            raise GroupFull(f"A group has at most {self._max_members} members")
        group = new_group_uuid(draft.user_uuid, draft.uuid)
        return await self._tasks.complete(self._create(draft, group), SEND_SECONDS)

    async def _create(self, draft: GroupDraft, group: UUID) -> InboxRow:
        digest = sha256(repr((draft.title, sorted(draft.members), draft.shows_history)).encode()).digest()[:16]
        async with deadline(2 * SEND_SECONDS):
            before = await self._store.heads.digest(group)
            if before is None:
                take_own(FIRST_CONTACT)
                await self._require_addable(draft.user_uuid, draft.members)
                await self._write_new(draft, group, digest)
                before = await self._store.heads.digest(group)
            if before != digest:
                raise GroupTaken
            row = await self._store.inbox_row(draft.user_uuid, group)
        if row is None or row.state is MemberState.LEFT:
            raise GroupTaken
        return row

    async def _write_new(self, draft: GroupDraft, group: UUID, digest: bytes) -> None:
        event = SystemEvent(SystemEventType.CREATED, users=draft.members, title=draft.title)
        message = self._messaging.log.entry(Draft(draft.user_uuid, "", event=event), group=group)
        users = (draft.user_uuid, *draft.members)
        members = [
            Member(group, user, _first_role(user, draft.user_uuid), message.created_at, draft.user_uuid)
            for user in users
        ]
        rows = [
            first_row(message, user, title=draft.title, members=len(users), shows_history=draft.shows_history)
            for user in users
        ]
        await self._store.heads.prepare(members, rows)
        head = items.new_head(
            message, title=draft.title, members=len(users), digest=digest, shows_history=draft.shows_history
        )
        if not await self._store.heads.transact([new_message(message), head]):
            await self._publish(*map(GroupChanged, rows))

    async def _require_addable(self, user: UUID, others: Collection[UUID]) -> None:
        """Raise CannotAdd for a user that has blocked the caller or is blocked by the caller, or is disabled."""
        for other in others:
            self._limits.of(str(other)).take(RECEIVED_CONTACT)
        if any(map(self._suspensions.covers, others)) or await self._store.blocks.has_any(user, others):
            raise CannotAdd

    async def members(self, user: UUID, group: UUID) -> Sequence[Member]:
        """Return the members of a group, those with rights first. 2 RCU, and 1 RCU for each 4 KB, about 40."""
        await self._row(user, group)
        async with deadline(READ_SECONDS):
            found = await self._store.heads.list_members(group)
        order = list(Role)
        return sorted(found, key=lambda member: (order.index(member.role), member.joined_at, member.user_uuid))

    async def update(self, user: UUID, group: UUID, *, title: str | None, shows_history: bool | None) -> InboxRow:
        """Change a group and return the caller's row. Raises NotManager. 8 WCU and 7 RCU for each change.

        A group that shows its history to new members goes on to do so.
        """
        row = await self._require_manager(user, group)
        if title is not None:
            row = await self._rename(user, group, title)
        return await self._show_history(user, group) if shows_history else row

    async def _rename(self, user: UUID, group: UUID, title: str) -> InboxRow:
        def plan(message: Message, head: InboxRow) -> list[Write]:
            return [items.change_head(message, head, title=title), items.require_role(group, user)]

        return await self._change(
            user, group, SystemEvent(SystemEventType.RENAMED, title=title), plan, lambda row: row.title == title
        )

    async def _show_history(self, user: UUID, group: UUID) -> InboxRow:
        def plan(message: Message, head: InboxRow) -> list[Write]:
            return [items.change_head(message, head, all=True), items.require_role(group, user)]

        return await self._change(
            user, group, SystemEvent(SystemEventType.HISTORY), plan, lambda row: row.shows_history
        )

    async def add(self, user: UUID, group: UUID, others: Sequence[UUID]) -> InboxRow:
        """Add users to a group, those that are members excepted, and return the caller's row.

        Raises NotManager, CannotAdd and GroupFull. 8 WCU, and 8 for each user.
        """
        await self._require_manager(user, group)
        async with deadline(READ_SECONDS):
            present = await self._store.heads.members(group)
        added = [other for other in others if other not in present]
        if not added:
            return await self._row(user, group)
        await self._require_addable(user, added)

        def plan(message: Message, head: InboxRow) -> list[Write]:
            if head.member_count + len(added) > self._max_members:
                raise GroupFull(f"A group has at most {self._max_members} members")
            writes: list[Write] = [
                items.change_head(message, head, members=len(added)),
                items.require_role(group, user),
            ]
            for other in added:
                row = first_row(
                    message,
                    other,
                    title=head.title or "",
                    members=head.member_count + len(added),
                    shows_history=head.shows_history,
                )
                member = Member(group, other, Role.MEMBER, message.created_at, user)
                writes += [items.new_member(member), items.join_row(row)]
            return writes

        return await self._change(user, group, SystemEvent(SystemEventType.ADDED, users=tuple(added)), plan, gone=added)

    async def remove(self, user: UUID, group: UUID, other: UUID) -> InboxRow:
        """Remove a member, and return the caller's row. A user that is no member changes nothing.

        Once it returns, the user reads and hears nothing of the group any more. Raises NotManager, and NotOwner for an
        admin that removes another or the owner. 16 WCU.
        """
        row = await self._require_manager(user, group)
        removable = {Role.ADMIN, Role.MEMBER} if row.role is Role.OWNER else {Role.MEMBER}
        member = await self._member(group, other)
        if member is None:
            return row
        if member.role not in removable:
            raise NotOwner

        def plan(message: Message, head: InboxRow) -> list[Write]:
            return [
                items.change_head(message, head, members=-1),
                items.require_role(group, user),
                items.end_member(group, other, removable),
                items.leave_row(other, group, head.head_version + 1),
            ]

        return await self._change(user, group, SystemEvent(SystemEventType.REMOVED, users=(other,)), plan, gone=[other])

    async def leave(self, user: UUID, group: UUID) -> InboxRow:
        """End the caller's membership and return the caller's row.

        In an owner's place the oldest admin, or else the oldest member, becomes the owner. 12 WCU, 16 of an owner.
        """
        await self._row(user, group)
        await self._tasks.complete(self._leave(user, group), 2 * SEND_SECONDS)
        async with deadline(READ_SECONDS):
            row = await self._store.inbox_row(user, group)
        if row is None:
            raise GroupNotFound
        return row

    async def _leave(self, user: UUID, group: UUID) -> None:
        for attempt in range(ATTEMPTS):
            async with deadline(SEND_SECONDS):
                members = await self._store.heads.list_members(group)
            own = next((member for member in members if member.user_uuid == user), None)
            if own is None:
                return
            heir = _heir(members, user) if own.role is Role.OWNER else None
            if await self._commit(user, group, _left(heir), _leave_plan(user, group, own.role, heir)):
                await self._publish_gone(group, [user, *([heir.user_uuid] if heir else [])])
                return
            await asyncio.sleep(NUMBER_CONTENTION.seconds(attempt))
        raise Unavailable("Others change the members of the group at the same time")

    async def change_role(self, user: UUID, group: UUID, other: UUID, role: Role) -> InboxRow:
        """Give a member another role, and return the caller's row. An owner that makes another one becomes an admin.

        Raises NotOwner and MemberNotFound. 16 WCU, 20 for a new owner.
        """
        row = await self._row(user, group)
        member = await self._member(group, other)
        if member is None:
            raise MemberNotFound
        if row.role is not Role.OWNER:
            raise NotOwner
        if member.role is role:
            return row
        if other == user:
            raise NotOwner("The owner stays one until another member becomes the owner")

        def plan(message: Message, head: InboxRow) -> list[Write]:
            writes: list[Write] = [
                items.change_head(message, head),
                *items.change_role(group, other, role, member.role),
            ]
            if role is Role.OWNER:
                return [*writes, *items.change_role(group, user, Role.ADMIN, Role.OWNER)]
            return [*writes, items.require_role(group, user, {Role.OWNER})]

        event = SystemEvent(SystemEventType.ROLE, users=(other,), role=role)
        return await self._change(user, group, event, plan, gone=[other])

    async def _row(self, user: UUID, group: UUID) -> InboxRow:
        if not has_head(group):
            raise GroupNotFound
        return await self._messaging.group(user, group)

    async def _require_manager(self, user: UUID, group: UUID) -> InboxRow:
        row = await self._row(user, group)
        if row.role not in MANAGERS:
            raise NotManager
        return row

    async def _member(self, group: UUID, user: UUID) -> Member | None:
        async with deadline(READ_SECONDS):
            return await self._store.heads.member(group, user)

    async def _change(
        self,
        user: UUID,
        group: UUID,
        event: SystemEvent,
        plan: Plan,
        is_done: Callable[[InboxRow], bool] = lambda _: False,
        *,
        gone: Collection[UUID] = (),
    ) -> InboxRow:
        """Commit a change unless it is made, tell users that come or go, and return the caller's row."""
        row = await self._require_manager(user, group)
        if is_done(row):
            return row
        await self._tasks.complete(self._apply(user, group, event, plan, gone), SEND_SECONDS)
        return await self._row(user, group)

    async def _apply(self, user: UUID, group: UUID, event: SystemEvent, plan: Plan, gone: Collection[UUID]) -> None:
        async with deadline(2 * SEND_SECONDS):
            for attempt in range(ATTEMPTS):
                if await self._commit(user, group, event, plan):
                    break
                await self._require_manager(user, group)
                await asyncio.sleep(NUMBER_CONTENTION.seconds(attempt))
            else:
                raise Unavailable("Others change the group at the same time")
            await self._publish_gone(group, gone)

    async def _commit(self, user: UUID, group: UUID, event: SystemEvent, plan: Plan) -> bool:
        """Append a system message with all that a change writes, and return whether it is committed."""
        self._limits.of(str(group)).take(GROUP_SEND)
        async with self._messaging.log.turn(group) as turn:
            head = await self._head(group)
            message = turn.entry(Draft(user, "", event=event), Tail(head.last_number, head.last_at))
            if await self._store.heads.transact([new_message(message), *plan(message, head)]):
                return False
            turn.record(message)
        await self._messaging.members.discard(group)
        if after := await self._store.heads.head(group):
            await self._publish(MessageAppended(message, after))
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

    async def _publish_gone(self, group: UUID, users: Collection[UUID]) -> None:
        """Tell users of their new rows before the answer: streams of former members are silent from then on."""
        for user in users:
            row = await self._store.inbox_row(user, group)
            if row is None:
                continue
            await self._publish(GroupChanged(row))
            if row.state is MemberState.LEFT:
                for each in await self._views.unpin(user, group):
                    if moved := await self._store.inbox_row(user, each):
                        await self._publish(GroupChanged(moved))


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


def _heir(members: Sequence[Member], owner: UUID) -> Member | None:
    """Return the member that owns the group once its owner has left: the oldest admin, else the oldest member."""
    others = [member for member in members if member.user_uuid != owner]
    return min(others, key=lambda each: (each.role is not Role.ADMIN, each.joined_at, each.user_uuid), default=None)


def _left(heir: Member | None) -> SystemEvent:
    """Return what the message says of a member that leaves, and of the owner in its place."""
    if heir is None:
        return SystemEvent(SystemEventType.LEFT)
    return SystemEvent(SystemEventType.LEFT, users=(heir.user_uuid,), role=Role.OWNER)


def _leave_plan(user: UUID, group: UUID, role: Role, heir: Member | None) -> Plan:
    def plan(message: Message, head: InboxRow) -> list[Write]:
        writes: list[Write] = [
            items.change_head(message, head, members=-1),
            items.end_member(group, user, {role}),
            items.leave_row(user, group, head.head_version + 1),
        ]
        return [*writes, *items.change_role(group, heir.user_uuid, Role.OWNER, heir.role)] if heir else writes

    return plan
