"""The command verify: checks logs, messages, inbox rows and users against one another, and repairs what is derived."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import typer

from app.cli.capacity.cost import cost
from app.cli.console import Console
from app.cli.failures import Failure
from app.cli.moderation.reads import As, Operator, Why
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import Services, open_services, require_own_table
from app.cli.table.audit import Audit
from app.cli.table.changed import ChangeInspector
from app.cli.table.findings import Finding, findings_of
from app.cli.table.group_repair import GroupInspector
from app.cli.table.pairs import PairInspector, inspect_doubled
from app.cli.table.pins import inspect_pins
from app.cli.table.row_repair import RowInspector
from app.cli.table.scan import open_reader
from app.cli.table.users import inspect_users
from app.cli.target import require_consent_off_this_machine
from app.messaging.groups.models import has_head
from app.settings import StoreSettings, read_settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SEGMENTS: Final = 4
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
            async with open_reader(console, services.table, SEGMENTS) as reader:
                async for page in reader.pages():
                    audit.add(page)
            async for finding in _findings(audit, services, repair=repair):
                kinds[finding.kind] += 1
                console.record({name: value for name, value in asdict(finding).items() if value is not None})
                console.say(str(finding))
        counts = audit.counts()
    console.record(counts | {"found": kinds})
    messages, logs, rows, changes, heads = counts.values()
    of_several = f", {heads:,} of groups of several" if heads else ""
    console.say(f"{messages:,} messages in {logs:,} logs{of_several}, {rows:,} inbox rows, {changes:,} changes.")
    console.note(cost(services.table.consumed))
    if kinds:
        can_repair = not repair and not REPAIRABLE.isdisjoint(kinds)
        remedy = " `cruddur verify --repair` repairs messages and inbox rows." if can_repair else ""
        raise Failure(f"Found {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}.{remedy}")
    console.say("Everything fits.")


async def _findings(audit: Audit, services: Services, *, repair: bool) -> AsyncIterator[Finding]:
    """Yield the defects of groups, those of messages first, which rows follow; then those of pairs and users."""
    changes = ChangeInspector(services.table, services.messaging, repair=repair)
    rows, groups = RowInspector(services, changes, repair=repair), GroupInspector(services, changes, repair=repair)

    async def inspect_group(group: UUID) -> AsyncIterator[Finding]:
        async for finding in changes.inspect(group, audit.logs.suspicious_messages(group)):
            yield finding
        if has_head(group):
            of_rows = groups.inspect(group, audit.groups.users(group))
        else:
            of_rows = rows.inspect(group, audit.members(group))
        async for finding in of_rows:
            yield finding

    async for finding in findings_of(audit.suspicious_groups(), inspect_group):
        yield finding
    await groups.finish()
    pairs = PairInspector(services, repair=repair)
    for check in (
        rows.inspect_unread(audit.rows.uncounted_messages()),
        findings_of(audit.pairs.blocks_to_check(), pairs.inspect_blocks),
        findings_of(audit.pairs.requests_to_check(), pairs.inspect_requests),
        inspect_doubled(audit.rows.doubled_pairs()),
        inspect_users(audit.users(), services),
        findings_of(audit.pins.users(), partial(inspect_pins, services=services, repair=repair)),
    ):
        async for finding in check:
            yield finding
