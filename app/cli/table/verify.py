"""verify: whether logs, inbox rows and users fit one another, and how what is derived from a log is made anew."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Annotated, Final
from uuid import UUID

import typer

from app.cli.console import Console
from app.cli.conversations.commands import cost
from app.cli.failures import Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.table.audit import Ledger
from app.cli.table.scan import Reader
from app.cli.target import open_table, open_users, read_settings, require_consent_off_this_machine
from app.gateways.dynamodb import ConditionFailed, Item
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import items
from app.messaging.models import InboxRow, Message, direct_group_uuid
from app.messaging.store import MessagingStore
from app.settings import StoreSettings
from app.users.store import UserStore

app = typer.Typer(rich_markup_mode=None)

SEGMENTS: Final = 4
USERS_AT_ONCE: Final = 1_000
STRETCH: Final = 10_000
SETTLING_SECONDS: Final = 0.5
"""For a row that a send is bringing up to date right now."""
UNSETTLED: Final = frozenset({"row-behind", "row-differs"})
HOLES_TOLD: Final = 5
REPAIRABLE: Final = frozenset({"row-behind", "row-ahead", "row-differs", "read-beyond", "row-missing"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. `user` is whose row it is about, if it is about one."""

    kind: str
    detail: str
    group: UUID | None = None
    user: UUID | None = None
    repaired: bool = False


@app.command("verify", epilog=examples("verify", "verify --json", "verify --repair"))
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Make inbox rows anew where they do not fit.")] = False,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Walk over all logs and inbox rows and say what does not fit. Exit code 1 if there was anything.

    \b
    hole            a number is missing in a log                          not repaired: the log is the truth
    row-behind      an inbox row does not know the end of its log         repaired
    row-ahead       an inbox row knows messages that are not there        repaired
    row-differs     an inbox row has not what the log's last message has  repaired
    read-beyond     somebody has read more than there is                  repaired
    row-missing     a log, and one of its members has no row              repaired
    row-without-log a row, and no message                                 not repaired
    log-without-row messages, and nobody who can be told to be a member   not repaired
    double-group    two people share more than one group                  not repaired
    unknown-user    somebody of a group is not in Postgres                not repaired

    The service may go on meanwhile: whatever looks wrong is looked at again before it is called so.
    """
    settings, console = read_settings(StoreSettings), Console(json)
    if repair:
        require_consent_off_this_machine(settings, "write to inbox rows", yes=yes, production=production)
    asyncio.run(_verify(console, settings, repair=repair))


async def _verify(console: Console, settings: StoreSettings, *, repair: bool) -> None:
    kinds: Counter[str] = Counter()
    with closing(Ledger()) as ledger:
        async with open_users(settings) as users, open_table(settings) as table:
            await _walk(console, table, ledger)
            async for finding in _findings(ledger, table, users, repair=repair):
                kinds[finding.kind] += 1
                console.record({name: value for name, value in asdict(finding).items() if value is not None})
                console.say(_sentence(finding))
        messages, logs, rows = ledger.counts()
    console.record({"messages": messages, "logs": logs, "inbox_rows": rows, "found": kinds})
    console.say(f"{messages:,} messages in {logs:,} logs, {rows:,} inbox rows.")
    console.note(cost(table.consumed))
    if kinds:
        what = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        can_help = not repair and not REPAIRABLE.isdisjoint(kinds)
        raise Failure(f"Found {what}." + (" `cruddur verify --repair` makes inbox rows anew." if can_help else ""))
    console.say("Everything fits.")


def _sentence(finding: Finding) -> str:
    where = (f" group {finding.group}" if finding.group else "") + (f" user {finding.user}" if finding.user else "")
    return f"{finding.kind}:{where}: {finding.detail}{' (repaired)' if finding.repaired else ''}"


async def _walk(console: Console, table: OperatedTable, ledger: Ledger) -> None:
    about = await table.describe() or {}
    with console.progress("Items", total=about.get("ItemCount") or None) as advance:
        async for page in Reader(table, SEGMENTS, advance).pages():
            entities = [(item, items.to_entity(item)) for item in page]
            ledger.add_messages(entity for _, entity in entities if isinstance(entity, Message))
            ledger.add_rows(item for item, entity in entities if isinstance(entity, InboxRow))


async def _findings(ledger: Ledger, table: OperatedTable, users: UserStore, *, repair: bool) -> AsyncIterator[Finding]:
    inspector = Inspector(table, repair=repair)
    for group in ledger.suspicious_groups():
        async for finding in inspector.inspect(group, ledger):
            yield finding
    for one, other, groups in ledger.doubled_pairs():
        true = direct_group_uuid(one, other)
        yield Finding("double-group", f"{one} and {other} share {', '.join(map(str, groups))}; theirs is {true}")
    async for user in _unknown(ledger.users(), users):
        yield Finding("unknown-user", "is not in Postgres", user=user)


async def _unknown(seen: Iterator[UUID], users: UserStore) -> AsyncIterator[UUID]:
    while some := list(islice(seen, USERS_AT_ONCE)):
        known = {user.uuid for user in await users.by_uuids(some)}
        for uuid in some:
            if uuid not in known:
                yield uuid


class Inspector:
    """Looks at one group again, strongly consistent, and makes its rows anew if asked to."""

    def __init__(self, table: OperatedTable, *, repair: bool) -> None:
        self._table = table
        self._store = MessagingStore(table)
        self._repair = repair

    async def inspect(self, group: UUID, ledger: Ledger) -> AsyncIterator[Finding]:
        """What is wrong with it now."""
        newest = await self._store.newest_messages(group, limit=1, consistent=True)
        members = _members(group, ledger)
        if not newest:
            for user, _ in members:
                yield Finding("row-without-log", "the row is there, but no message is", group, user)
            return
        if holes := await self._holes(group, newest[0].number):
            yield Finding("hole", f"there is no message {holes}", group)
        if not members:
            yield Finding("log-without-row", f"{newest[0].number} messages that nobody can see", group)
        for user, peer in members:
            if finding := await self._inspect_row(group, user, peer):
                yield finding

    async def _holes(self, group: UUID, end: int) -> str:
        """The first few missing numbers, in words."""
        missing: list[str] = []
        for first in range(1, end + 1, STRETCH):
            last = min(first + STRETCH - 1, end)
            there = {m.number for m in await self._store.messages_between(group, first, last, consistent=True)}
            missing += [str(number) for number in range(first, last + 1) if number not in there]
            if len(missing) > HOLES_TOLD:
                return ", ".join(missing[:HOLES_TOLD]) + " and more"
        return ", ".join(missing)

    async def _inspect_row(self, group: UUID, user: UUID, peer: UUID) -> Finding | None:
        """The row is read before the end of its log: what lands in between cannot make it look ahead."""
        item = await self._row(user, group)
        (last,) = await self._store.newest_messages(group, limit=1, consistent=True)
        kind, detail = _judge(item, last)
        if kind in UNSETTLED:
            await asyncio.sleep(SETTLING_SECONDS)
            item = await self._row(user, group)
            kind, detail = _judge(item, last)
            if kind == "row-ahead":  # of the log as it was half a second ago
                return None
        if not kind:
            return None
        is_repaired = self._repair and await self._make_fit(item, last, user, peer)
        return Finding(kind, detail, last.group_uuid, user, repaired=is_repaired)

    async def _row(self, user: UUID, group: UUID) -> Item | None:
        return await self._table.get(items.inbox_key(user, group), consistent=True)

    async def _make_fit(self, item: Item | None, last: Message, user: UUID, peer: UUID) -> bool:
        """Everything that is derived from the log as the log has it, everything else as it was."""
        row = items.to_inbox_row(item) if item else None
        try:
            if row is None:
                await self._table.put(items.new_inbox_row(last, user=user, peer=peer))
            elif row.last_number < last.number:
                await self._store.advance_inbox_row(last, user=user)
            else:
                await self._table.update(items.reset_inbox_row(last, row))
        except ConditionFailed:  # somebody was there first
            return False
        return True


def _judge(item: Item | None, last: Message) -> tuple[str, str]:
    """What is wrong with a row, as a kind and in words; nothing in both if it fits."""
    if item is None:
        return "row-missing", f"no inbox row, and {last.number} messages"
    row = items.to_inbox_row(item)
    if row.last_number != last.number:
        kind = "row-behind" if row.last_number < last.number else "row-ahead"
        return kind, f"the row ends at {row.last_number}, the log at {last.number}"
    if differs := _what_differs(item, last):
        return "row-differs", f"the row has not message {last.number}'s {' and '.join(differs)}"
    if row.read_number > row.last_number:
        return "read-beyond", f"read up to {row.read_number}, and the log ends at {last.number}"
    return "", ""


def _what_differs(item: Item, last: Message) -> list[str]:
    wanted = items.message_projection(last)
    return [name for name, value in items.row_projection(item).items() if value != wanted[name]]


def _members(group: UUID, ledger: Ledger) -> set[tuple[UUID, UUID]]:
    """Everybody with the peer: who has a row, who is named by one and, without rows, the two senders of the log."""
    told = ledger.members(group)
    pairs: Iterable[tuple[UUID, UUID]] = told or [pair for pair in [ledger.senders(group)] if pair]
    return told | {
        pair for one, other in pairs if direct_group_uuid(one, other) == group for pair in ((one, other), (other, one))
    }
