"""The command verify: checks logs, inbox rows and users against one another, and repairs inbox rows from the logs."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Annotated, Final
from uuid import UUID

import typer

from app.cli.batches import batched
from app.cli.capacity.cost import cost
from app.cli.console import Console
from app.cli.failures import Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import Services, open_services, require_own_table
from app.cli.table.audit import Audit
from app.cli.table.scan import Reader
from app.cli.target import read_settings, require_consent_off_this_machine
from app.gateways.dynamodb import ConditionFailed, StoredItem
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import items
from app.messaging.models import InboxRow, Message, direct_group_uuid
from app.settings import StoreSettings

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SEGMENTS: Final = 4
USERS_AT_ONCE: Final = 1_000
NUMBERS_AT_ONCE: Final = 10_000
SETTLING_SECONDS: Final = 0.5
"""The wait for a send that is updating the row right now."""
RECHECKED: Final = frozenset({"row-behind", "row-differs"})
HOLES_SHOWN: Final = 5
REPAIRABLE: Final = frozenset({"row-behind", "row-ahead", "row-differs", "read-beyond", "row-missing"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect. `user` is the owner of the inbox row, for a defect of a row."""

    kind: str
    detail: str
    group: UUID | None = None
    user: UUID | None = None
    repaired: bool = False

    def __str__(self) -> str:
        place = (f" group {self.group}" if self.group else "") + (f" user {self.user}" if self.user else "")
        return f"{self.kind}:{place}: {self.detail}{' (repaired)' if self.repaired else ''}"


@app.command("verify", epilog=examples("verify", "verify --json", "verify --repair"))
async def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Write wrong inbox rows anew, from their logs.")] = False,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Check all logs and inbox rows, and list what does not fit. Exit code 1 if anything does not.

    \b
    hole            a number is missing in a log                          not repaired: the log is the truth
    row-behind      an inbox row does not know the end of its log         repaired
    row-ahead       an inbox row knows messages that do not exist         repaired
    row-differs     an inbox row differs from the log's last message      repaired
    read-beyond     a read marker is beyond the end of the log            repaired
    row-missing     a log, and one of its members has no inbox row        repaired
    row-without-log an inbox row without messages                         not repaired
    log-without-row messages without an inbox row or known members        not repaired
    double-group    two users share more than one group                   not repaired
    unknown-user    a user of a group is not in Postgres                  not repaired

    The service may go on meanwhile: a defect is checked a second time before it is reported.
    """
    settings, console = read_settings(StoreSettings), Console(json)
    if repair:
        require_consent_off_this_machine(settings, "write to inbox rows", yes=yes, production=production)
    kinds: Counter[str] = Counter()
    with closing(Audit()) as audit:
        async with open_services(settings) as services:
            await require_own_table(services.table)
            await _record_items(console, services.table, audit)
            async for finding in _findings(audit, services, repair=repair):
                kinds[finding.kind] += 1
                console.record({name: value for name, value in asdict(finding).items() if value is not None})
                console.say(str(finding))
        messages, logs, rows = audit.counts()
    console.record({"messages": messages, "logs": logs, "inbox_rows": rows, "found": kinds})
    console.say(f"{messages:,} messages in {logs:,} logs, {rows:,} inbox rows.")
    console.note(cost(services.table.consumed))
    if kinds:
        what = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        can_repair = not repair and not REPAIRABLE.isdisjoint(kinds)
        raise Failure(f"Found {what}." + (" `cruddur verify --repair` repairs inbox rows." if can_repair else ""))
    console.say("Everything fits.")


async def _record_items(console: Console, table: OperatedTable, audit: Audit) -> None:
    about = await table.describe() or {}
    with console.progress("Items", total=about.get("ItemCount") or None) as advance:
        async for page in Reader(table, SEGMENTS, advance).pages():
            entities = [(item, items.to_entity(item)) for item in page]
            audit.add_messages(entity for _, entity in entities if isinstance(entity, Message))
            audit.add_rows(item for item, entity in entities if isinstance(entity, InboxRow))


async def _findings(audit: Audit, services: Services, *, repair: bool) -> AsyncIterator[Finding]:
    inspector = Inspector(services, repair=repair)
    for group in audit.suspicious_groups():
        async for finding in inspector.inspect(group, audit):
            yield finding
    for one, other, groups in audit.doubled_pairs():
        true = direct_group_uuid(one, other)
        yield Finding("double-group", f"{one} and {other} share {', '.join(map(str, groups))}; theirs is {true}")
    for batch in batched(audit.users(), USERS_AT_ONCE):
        known = {user.uuid for user in await services.user_store.by_uuids(batch)}
        for uuid in batch:
            if uuid not in known:
                yield Finding("unknown-user", "is not in Postgres", user=uuid)


class Inspector:
    """Checks one group with strongly consistent reads, and repairs its rows if asked to."""

    def __init__(self, services: Services, *, repair: bool) -> None:
        self._table = services.table
        self._store = services.messaging
        self._repair = repair

    async def inspect(self, group: UUID, audit: Audit) -> AsyncIterator[Finding]:
        """Yield the defects that the group has now."""
        newest = await self._store.newest_messages(group, limit=1, consistent=True)
        members = _members(group, audit)
        if not newest:
            for user, _ in members:
                yield Finding("row-without-log", "an inbox row without messages", group, user)
            return
        if holes := await self._holes(group, newest[0].number):
            yield Finding("hole", f"there is no message {holes}", group)
        if not members:
            yield Finding("log-without-row", f"{newest[0].number} messages that no user can see", group)
        for user, peer in members:
            if finding := await self._inspect_row(group, user, peer):
                yield finding

    async def _holes(self, group: UUID, end: int) -> str:
        """Return the first missing numbers, in words."""
        missing: list[str] = []
        for first in range(1, end + 1, NUMBERS_AT_ONCE):
            last = min(first + NUMBERS_AT_ONCE - 1, end)
            there = {m.number for m in await self._store.messages_between(group, first, last, consistent=True)}
            missing += [str(number) for number in range(first, last + 1) if number not in there]
            if len(missing) > HOLES_SHOWN:
                return ", ".join(missing[:HOLES_SHOWN]) + " and more"
        return ", ".join(missing)

    async def _inspect_row(self, group: UUID, user: UUID, peer: UUID) -> Finding | None:
        """Return the defect of a row, which is read before its log, so that no send in between makes it look ahead."""
        item = await self._row(user, group)
        (last,) = await self._store.newest_messages(group, limit=1, consistent=True)
        kind, detail = _defect(item, last)
        if kind in RECHECKED:
            await asyncio.sleep(SETTLING_SECONDS)
            item = await self._row(user, group)
            kind, detail = _defect(item, last)
            if kind == "row-ahead":  # of the log as it was half a second ago
                return None
        if not kind:
            return None
        is_repaired = self._repair and await self._repair_row(item, last, user, peer)
        return Finding(kind, detail, last.group_uuid, user, repaired=is_repaired)

    async def _row(self, user: UUID, group: UUID) -> StoredItem | None:
        return await self._table.get(items.inbox_key(user, group), consistent=True)

    async def _repair_row(self, item: StoredItem | None, last: Message, user: UUID, peer: UUID) -> bool:
        """Write what the row takes from its log, and nothing else; return False if another writer was faster."""
        row = items.to_inbox_row(item) if item else None
        try:
            if row is None:
                await self._table.put(items.new_inbox_row(last, user=user, peer=peer))
            elif row.last_number < last.number:
                await self._store.advance_inbox_row(last, user=user)
            else:
                await self._table.update(items.reset_inbox_row(last, row))
        except ConditionFailed:
            return False
        return True


def _defect(item: StoredItem | None, last: Message) -> tuple[str, str]:
    """Return the kind of the row's defect and its detail, both empty if there is none."""
    if item is None:
        return "row-missing", f"no inbox row, and {last.number} messages"
    row = items.to_inbox_row(item)
    if row.last_number != last.number:
        kind = "row-behind" if row.last_number < last.number else "row-ahead"
        return kind, f"the row ends at {row.last_number}, the log at {last.number}"
    wanted = items.message_projection(last)
    if differs := [name for name, value in items.row_projection(item).items() if value != wanted[name]]:
        return "row-differs", f"the row has not message {last.number}'s {' and '.join(differs)}"
    if row.read_number > row.last_number:
        return "read-beyond", f"read up to {row.read_number}, and the log ends at {last.number}"
    return "", ""


def _members(group: UUID, audit: Audit) -> set[tuple[UUID, UUID]]:
    """Return each member with the peer: owners of rows, peers in rows and, without rows, the senders of the log."""
    told = audit.members(group)
    pairs: Iterable[tuple[UUID, UUID]] = told or [pair for pair in [audit.senders(group)] if pair]
    return told | {
        pair for one, other in pairs if direct_group_uuid(one, other) == group for pair in ((one, other), (other, one))
    }
