"""Reads groups of several members, strongly consistent, and repairs what follows from their logs and members."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import UUID

from app.cli.heads import first_row
from app.cli.services import Services
from app.cli.table.changed import ChangeInspector, holes, settle
from app.cli.table.findings import Finding
from app.cli.table.group_checks import TOLD_KINDS, GroupState
from app.concurrency import SEND_SECONDS
from app.errors import AppError
from app.gateways.dynamodb import ConditionFailed, Delete, Item, Update
from app.messaging import block_items
from app.messaging.clock import now
from app.messaging.erasure_store import MemberErasureStore
from app.messaging.groups import items, member_items, stored
from app.messaging.groups.models import MAX_SYSTEMS, Member
from app.messaging.inbox_items import bucket, to_inbox_row
from app.messaging.items import NEXT_VERSION, assign, inbox_key, is_fence, message_key
from app.messaging.row_models import InboxRow, MemberState

CREATION_SECONDS: Final = 2 * SEND_SECONDS + 2
"""The time after which no creation goes on that was begun before a fence."""
ATTEMPTS: Final = 3


class GroupInspector:
    """Checks groups of several members, and repairs heads, rows and remains if asked to."""

    def __init__(self, services: Services, changes: ChangeInspector, *, repair: bool) -> None:
        self._table = services.table
        self._store = services.messaging
        self._retention = services.retention
        self._changes = changes
        self._remains = MemberErasureStore(services.table)
        self._repair = repair
        self._fenced: list[UUID] = []

    async def inspect(self, group: UUID, users: Iterable[UUID]) -> AsyncIterator[Finding]:
        """Yield the defects that the group has now; `users` have rows of it, or are members."""
        known = {*users}
        state = await self._read(group, known)
        if state.newest and state.members:
            read = self._store.messages_between
            missing = await holes(state.newest.number, lambda first, last: read(group, first, last, consistent=True))
            if missing:
                yield Finding("hole", f"there is no message {missing}", group)
        if not (before := set(state.defects())):
            return
        await settle()
        state = await self._read(group, known)
        found = [finding for finding in state.defects() if finding in before]
        left = {*map(_place, found)}
        if self._repair and found:
            with suppress(AppError, ConditionFailed):
                await self._mend(state, found)
            after = replace(await self._read(group, state.rows), is_fenced=False)
            left = {*map(_place, after.defects())}
        for finding in found:
            yield replace(finding, repaired=_place(finding) not in left)

    async def finish(self) -> None:
        """Remove the fences of groups that were removed, once no creation can go on that was begun before."""
        if self._fenced:
            await asyncio.sleep(CREATION_SECONDS)
        for group in self._fenced:
            await self._table.delete(block_items.lift_fence(group, 1))

    async def _read(self, group: UUID, users: Iterable[UUID]) -> GroupState:
        heads, table = self._store.heads, self._table
        members = {member.user_uuid: member for member in await heads.list_members(group)}
        known = sorted({*users, *members})
        found = await asyncio.gather(*(table.get(inbox_key(user, group), consistent=True) for user in known))
        rows = {user: item for user, item in zip(known, found, strict=True) if item}
        head = await table.get(items.head_key(group), consistent=True)
        change = await self._store.changes.newest_change(group)
        newest = await self._store.newest_messages(group, limit=1, consistent=True)
        first = await table.get(message_key(group, 1), consistent=True)
        mentions = {}
        for user, row in ((user, to_inbox_row(item)) for user, item in rows.items()):
            if row.state is MemberState.ACTIVE:
                found_mentions = await self._store.mentions.unread(user, group, after=row.read_number)
                mentions[user] = frozenset(replace(row, mentioned=found_mentions).unread_mentions)
        systems = [message.number for message in await heads.system_messages(group, consistent=True)]
        return GroupState(
            group,
            stored.to_head(head) if head else None,
            members,
            rows,
            newest[-1] if newest else None,
            change,
            frozenset(systems[-MAX_SYSTEMS:]),
            mentions,
            is_fenced=bool(first and is_fence(first)),
            has_ended=bool(newest and self._retention.has_ended(newest[-1].created_at, now())),
        )

    async def _mend(self, state: GroupState, found: list[Finding]) -> None:
        """Repair rows and head, or delete what is left of a group without a log, or without members."""
        if state.head is None and state.newest is None:
            if not state.is_fenced:  # the fence keeps the group from being created meanwhile
                await self._table.put(block_items.set_fence(state.group, 1))
            self._fenced.append(state.group)
            await self._delete_rows(state)
        elif state.is_abandoned:
            await self._delete_rows(state)
            async for item in self._remains.items_of_group(state.group):
                await self._remains.delete(item)
        elif state.head:
            for user in {finding.user for finding in found if finding.user}:
                with suppress(ConditionFailed):
                    await self._table.update(_mended_row(state, user))
            if any(finding.kind in TOLD_KINDS for finding in found):
                await self._restore_head(await self._read(state.group, state.rows))

    async def _delete_rows(self, state: GroupState) -> None:
        for item in state.rows.values():
            await self._remains.delete(item)
        for user in state.members:
            await self._table.delete(Delete(member_items.member_key(state.group, user)))

    async def _restore_head(self, state: GroupState) -> None:
        """Bring the head up to its logs and members, at a version beyond that of all rows, and tell the rows."""
        if state.head is None or state.newest is None:
            return
        if state.change:
            await self._changes.catch_up(state.change, after=state.head.change_number)
        (newest,) = await self._store.newest_messages(state.group, limit=1, consistent=True)
        version = max([state.head.head_version, *(to_inbox_row(item).head_version for item in state.rows.values())]) + 1
        head = replace(
            state.wanted_head(state.head, newest),
            head_version=version,
            structure_version=version,
            pending_bucket=bucket(now()),
        )
        await self._table.put(stored.restored_head(head, state.head))
        for _ in range(ATTEMPTS):
            if await self._store.heads.bump(state.group):
                return


def _place(finding: Finding) -> tuple[str, UUID | None]:
    return finding.kind, finding.user


def _mended_row(state: GroupState, user: UUID) -> Update:
    """Return the update after which a row has what follows from the member, and from the log without the head."""
    member, head, newest = state.members.get(user), state.head, state.newest
    if member is None:
        return member_items.leave_row(user, state.group, head.head_version if head else 0)
    if newest is None or head is None:
        raise AssertionError("a group with a head and a log is mended")
    row = to_inbox_row(state.rows[user]) if user in state.rows else None
    if row is None or row.state is MemberState.LEFT:
        return member_items.join_row(replace(first_row(head, newest, user), role=member.role))
    return _reset_row(row, member, newest.number, state.mentions.get(user, frozenset()))


def _reset_row(row: InboxRow, member: Member, end: int, mentioned: frozenset[int]) -> Update:
    """Return the update of a row to its member's role, markers up to the end of the log, and its unread mentions."""
    wanted: Item = {"role": str(member.role), "read": min(row.read_number, end)}
    wanted |= {"d": min(row.received_number, end)} if row.received_number else {}
    wanted |= {"mentioned": mentioned} if mentioned else {}
    expression, values = assign(wanted, {"cut", "mentioned"} - wanted.keys(), first=[NEXT_VERSION])
    values |= {":one": 1, ":seen": row.version}
    return Update(inbox_key(row.user_uuid, row.group_uuid), expression, values, condition="#v = :seen")
