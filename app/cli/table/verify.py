"""The command verify: checks logs, messages, inbox rows and users against one another, and repairs what is derived."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import typer

from app.cli.batches import batched
from app.cli.capacity.cost import cost
from app.cli.changed_messages import at_change
from app.cli.console import Console
from app.cli.failures import Failure
from app.cli.moderation.reads import As, Operator, Why
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import Services, open_services, require_own_table
from app.cli.table.audit import Audit
from app.cli.table.changed import SETTLING_SECONDS, ChangeInspector, holes
from app.cli.table.findings import Finding, row_defect
from app.cli.table.group_repair import GroupInspector
from app.cli.table.pairs import PairInspector
from app.cli.table.pins import inspect_pins
from app.cli.table.scan import Reader
from app.cli.target import read_settings, require_consent_off_this_machine
from app.errors import AppError
from app.gateways.dynamodb import ConditionFailed, Put, StoredItem
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import inbox_items, inbox_writes, items
from app.messaging.clock import now
from app.messaging.groups.models import has_head
from app.messaging.models import Change, Message, direct_group_uuid
from app.messaging.requests.store import as_other_side
from app.messaging.row_models import InboxRow
from app.messaging.visibility import is_uncounted
from app.settings import StoreSettings

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SEGMENTS: Final = 4
USERS_AT_ONCE: Final = 1_000
CHECKS: Final = 3
"""Checks of a row that others write meanwhile."""
RECHECKED: Final = frozenset({"row-behind", "row-differs"})
REPAIRABLE: Final = frozenset(
    {"row-behind", "row-ahead", "row-differs", "read-beyond", "row-missing"}
    | {"message-behind", "message-differs", "deletion-unfinished", "block-differs", "request-differs"}
    | {"head-differs", "rows-untold", "row-without-member", "group-unfinished", "group-abandoned", "pins-differ"}
)


@app.command("verify", epilog=examples("verify", "verify --json", "verify --repair"))
async def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Bring messages and inbox rows up to their logs.")] = False,
    reason: Why = None,
    name: As = None,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Check all logs, messages and inbox rows, and list what does not fit.

    The exit code is 1 if anything does not.

    \b
    Repaired with --repair:
      message-behind         changes of a message are not applied to it
      message-differs        a message is not what its changes make of it, and
                             none of them is missing
      deletion-unfinished    a message is deleted, and texts of edits are left
      row-behind             a row does not know the end of its logs
      row-ahead              a row knows messages or changes too many
      row-differs            a row differs from the ends of its logs
      read-beyond            a marker is beyond the end of the log
      row-missing            a log, and one of its members has no row
      row-without-member     a row of a user that is no member: it ends
      block-differs          rows or the end of a log do not follow blocks
      request-differs        rows of a request fit neither each other nor the log
      head-differs           a head differs from its logs and members
      rows-untold            rows lack since long what their head says
      group-unfinished       remains of a group without messages: deleted
      group-abandoned        a group that all members have left: deleted
      pins-differ            pinned rows do not follow their order

    \b
    Not repaired:
      hole                   a number is missing in a log, which is the truth
      change-hole            a number is missing in a change log
      change-without-message a change of a message that does not exist
      row-without-log        a row without messages
      log-without-row        messages without a row or known members
      head-missing           messages of several members, without a head: import
                             the group if it goes on
      head-without-log       a group of several members without messages
      double-group           two users share more than one group
      unknown-user           a user of a group is not in Postgres
      erased-row             an erased user has a row again: erase --resume --all
                             removes it

    Erased users have no rows; a log is without a row when both of its members are erased.

    The service may go on meanwhile: a defect is checked a second time before it is reported.
    """
    settings, console = read_settings(StoreSettings), Console(json)
    operator = Operator.of(settings, name=name, reason=reason)
    if repair:
        require_consent_off_this_machine(settings, "write to messages and inbox rows", yes=yes, production=production)
    kinds: Counter[str] = Counter()
    with closing(Audit()) as audit:
        async with open_services(settings, as_stored=True) as services:
            await require_own_table(services.table)
            await operator.record(services.reads, ())
            await _record_items(console, services.table, audit)
            findings = (
                _findings(audit, services, repair=repair),
                inspect_pins(audit.wrong_pins(), services, repair=repair),
            )
            async for finding in _chained(*findings):
                kinds[finding.kind] += 1
                console.record({name: value for name, value in asdict(finding).items() if value is not None})
                console.say(str(finding))
        messages, logs, changes = audit.logs.counts()
        heads, group_rows = audit.groups.counts()
        rows = audit.count_rows() + group_rows
    counts = {"messages": messages, "logs": logs, "inbox_rows": rows, "changes": changes, "heads": heads}
    console.record(counts | {"found": kinds})
    of_several = f", {heads:,} of groups of several" if heads else ""
    console.say(f"{messages:,} messages in {logs:,} logs{of_several}, {rows:,} inbox rows, {changes:,} changes.")
    console.note(cost(services.table.consumed))
    if kinds:
        what = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        can_repair = not repair and not REPAIRABLE.isdisjoint(kinds)
        raise Failure(
            f"Found {what}." + (" `cruddur verify --repair` repairs messages and inbox rows." if can_repair else "")
        )
    console.say("Everything fits.")


async def _chained(*sources: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    for source in sources:
        async for finding in source:
            yield finding


async def _record_items(console: Console, table: OperatedTable, audit: Audit) -> None:
    about = await table.describe() or {}
    with console.progress("Items", total=about.get("ItemCount") or None) as advance:
        async for page in Reader(table, SEGMENTS, advance).pages():
            audit.add(page)


async def _findings(audit: Audit, services: Services, *, repair: bool) -> AsyncIterator[Finding]:
    inspector = Inspector(services, repair=repair)
    for group in audit.suspicious_groups():
        async for finding in inspector.inspect(group, audit):
            yield finding
    await inspector.groups.finish()
    for finding in await inspector.inspect_unread(audit):
        yield finding
    async for finding in PairInspector(services, repair=repair).inspect(audit):
        yield finding
    for one, other, groups in audit.doubled_pairs():
        true = direct_group_uuid(one, other)
        yield Finding("double-group", f"{one} and {other} share {', '.join(map(str, groups))}; theirs is {true}")
    for batch in batched(audit.users(), USERS_AT_ONCE):
        async for finding in _findings_of_users(batch, services):
            yield finding


async def _findings_of_users(users: Sequence[UUID], services: Services) -> AsyncIterator[Finding]:
    known = {user.uuid for user in await services.user_store.by_uuids(users)}
    erased = await services.user_store.erasures.erased_users(users)
    for uuid in users:
        if uuid not in known | erased:
            yield Finding("unknown-user", "is not in Postgres", user=uuid)
    for uuid in sorted(erased):
        if await _is_back(services, uuid):
            yield Finding("erased-row", "is erased, and has an inbox row again", user=uuid)


async def _is_back(services: Services, user: UUID) -> bool:
    """Return whether a user has inbox rows after the sweep has removed them all."""
    erasure = await services.user_store.erasures.of_user(user)
    return bool(erasure and erasure.finished_at and await services.messaging.inbox_rows(user, limit=1))


class Inspector:
    """Checks one group with strongly consistent reads, and repairs its messages and rows if asked to."""

    def __init__(self, services: Services, *, repair: bool) -> None:
        self._table = services.table
        self._store = services.messaging
        self._retention = services.retention
        self._erasures = services.user_store.erasures
        self._changes = ChangeInspector(services.table, services.messaging, repair=repair)
        self.groups = GroupInspector(services, self._changes, repair=repair)
        self._repair = repair

    async def inspect(self, group: UUID, audit: Audit) -> AsyncIterator[Finding]:
        """Yield the defects that the group has now: those of messages first, which rows follow."""
        async for finding in self._changes.inspect(group, audit.logs.suspicious_messages(group)):
            yield finding
        if has_head(group):
            async for finding in self.groups.inspect(group, audit.groups.users(group)):
                yield finding
            return
        members = _members(group, audit)
        erased = await self._erasures.erased_users({user for user, _ in members})
        async for finding in self._inspect_rows(group, {pair for pair in members if pair[0] not in erased}):
            yield finding

    async def _inspect_rows(self, group: UUID, members: Iterable[tuple[UUID, UUID]]) -> AsyncIterator[Finding]:
        newest = await self._store.newest_messages(group, limit=1, consistent=True)
        if not newest:
            for user, _ in members:
                yield Finding("row-without-log", "an inbox row without messages", group, user)
            return
        if missing := await holes(newest[0].number, partial(self._store.messages_between, group, consistent=True)):
            yield Finding("hole", f"there is no message {missing}", group)
        if not members:
            yield Finding("log-without-row", f"{newest[0].number} messages that no user can see", group)
        for user, peer in members:
            if defect := await self._inspect_row(group, user, peer):
                yield defect

    async def _inspect_row(self, group: UUID, user: UUID, peer: UUID) -> Finding | None:
        """Return the defect of a row, unless others write it.

        It is read before its logs, so that nothing that happens in between makes it look ahead.
        """
        before: StoredItem | None = None
        for _ in range(CHECKS):
            item = await self._table.get(items.inbox_key(user, group), consistent=True)
            change = await self._store.changes.newest_change(group)
            (last,) = await self._store.newest_messages(group, limit=1, consistent=True)
            row = await self._with_mentions(inbox_items.to_inbox_row(item)) if item else None
            kind, detail = row_defect(
                item,
                last,
                change,
                frozenset(row.unread_mentions if row else ()),
                has_ended=self._retention.has_ended(last.created_at, now()),
            )
            if not kind:
                return None
            if kind not in RECHECKED or item == before:
                is_repaired = self._repair and await self._repair_row(item, last, change, user, peer)
                return Finding(kind, detail, last.group_uuid, user, repaired=is_repaired)
            before = item
            await asyncio.sleep(SETTLING_SECONDS)
        return None

    async def _with_mentions(self, row: InboxRow) -> InboxRow:
        """Return a row with the unread mentions of its log, which is read after it."""
        after = min(row.seen_number, row.last_number)
        found = await self._store.mentions.unread(row.user_uuid, row.group_uuid, after=after)
        return replace(row, mentioned=found)

    async def inspect_unread(self, audit: Audit) -> list[Finding]:
        """Return the defects of rows that do not know of unread messages that they expire."""
        checks = [self._inspect_unread(*place) for place in audit.uncounted_messages()]
        return [finding for check in checks if (finding := await check)]

    async def _inspect_unread(self, user: UUID, group: UUID, number: int) -> Finding | None:
        """Return the defect of a row that does not know of an unread message that it expires."""
        row, message = await self._store.inbox_row(user, group), await self._store.message(group, number)
        if row is None or message is None or not is_uncounted(message, row):
            return None
        is_repaired = self._repair and number in (await self._store.count_gone(message, row)).gone
        return Finding("row-differs", f"message {number} expires and stays unread", group, user, repaired=is_repaired)

    async def _repair_row(
        self, item: StoredItem | None, last: Message, change: Change | None, user: UUID, peer: UUID
    ) -> bool:
        """Write what the row takes from its logs, and nothing else; return False if another writer was faster.

        The row gets the number of a change only after all changes up to it were applied to their messages.
        """
        row = inbox_items.to_inbox_row(item) if item else None
        try:
            if change:
                await self._changes.catch_up(change, after=row.change_number if row else 0)
                (last,) = await self._store.newest_messages(last.group_uuid, limit=1, consistent=True)
            if row is None:
                first = inbox_items.first_inbox_row(last, user=user, peer=peer)
                if peer_row := await self._store.inbox_row(peer, last.group_uuid):
                    first = as_other_side(first, peer_row)
                first = await self._with_mentions(first)
                await self._table.put(Put(inbox_items.inbox_item(at_change(first, change)), condition=items.ABSENT))
                return True
            if is_behind := row.last_number < last.number:
                row = await self._store.advance_inbox_row(last, user=user) or row
            wanted = await self._with_mentions(at_change(row, change))
            if not is_behind or row != wanted:
                await self._table.update(inbox_writes.reset_inbox_row(last, wanted))
        except (ConditionFailed, AppError):
            return False
        return True


def _members(group: UUID, audit: Audit) -> set[tuple[UUID, UUID]]:
    """Return each member with the peer: owners of rows, peers in rows and, without rows, the senders of the log."""
    told = audit.members(group)
    pairs: Iterable[tuple[UUID, UUID]] = told or [pair for pair in [audit.logs.senders(group)] if pair]
    return told | {
        pair for one, other in pairs if direct_group_uuid(one, other) == group for pair in ((one, other), (other, one))
    }
