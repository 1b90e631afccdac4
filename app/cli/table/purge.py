"""The command purge: removes from the table what the retention of the installation has ended."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Annotated, Final, TypeAlias

import typer

from app.cli.batches import batched
from app.cli.capacity.cost import cost
from app.cli.console import Console, local_time
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import open_table, require_own_table
from app.cli.table.scan import open_reader
from app.cli.target import require_consent_off_this_machine
from app.gateways.dynamodb import StoredItem
from app.messaging import change_items
from app.messaging.clock import now
from app.messaging.groups.stored import Head
from app.messaging.models import Change, Message
from app.messaging.retention import Retention
from app.messaging.retention_store import RetentionStore
from app.messaging.row_models import InboxRow
from app.settings import StoreSettings, read_settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SEGMENTS: Final = 4
WRITES_AT_ONCE: Final = 16
Write: TypeAlias = Callable[[], Awaitable[None]]


@app.command("purge", epilog=examples("purge --dry-run", "purge", "purge --yes --production --writes-per-second 50"))
async def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what has ended, and change nothing.")] = False,
    writes_per_second: Annotated[int, typer.Option(min=1, max=10_000, help="The most writes in a second.")] = 200,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Remove the texts of messages that the retention has ended.

    Those are the messages that are older than MESSAGE_RETENTION_DAYS, with their edits, and their previews in inboxes.
    Members do not see them any more, as the service hides them on time. Run this once a day, by a scheduler, so that
    the table does not keep them either. Numbers, senders, times and reactions of the messages stay: logs have no gaps.
    It can be stopped at any time, and run again.

    It reads the whole table, half a read unit for every 4 KB, and writes 1 write unit for each text, 2 for one that
    would expire later.
    """
    settings, console = read_settings(StoreSettings), Console(json)
    retention = Retention.of_days(settings.message_retention_days)
    if retention.period is None:
        raise Failure("MESSAGE_RETENTION_DAYS is not set: messages are kept for ever, and nothing ends.", Code.USAGE)
    if not dry_run:
        require_consent_off_this_machine(
            settings, "remove the texts of old messages for good", yes=yes, production=production
        )
    at, counts = now(), Counter[str]()
    async with open_table(settings) as table:
        await require_own_table(table)
        store = RetentionStore(table, retention)
        async with open_reader(console, table, SEGMENTS) as reader, aclosing(reader.pages()) as pages:
            async for page in pages:
                writes = list(_writes(store, page, at, counts))
                for batch in batched(() if dry_run else writes, min(WRITES_AT_ONCE, writes_per_second)):
                    pause = asyncio.sleep(len(batch) / writes_per_second)
                    await asyncio.gather(*[write() for write in batch], pause)
    messages, previews, before = counts["messages"], counts["previews"], at - retention.period
    console.record({"messages": messages, "previews": previews, "before": before, "dry_run": dry_run})
    texts = f"Texts of {messages:,} messages from before {local_time(before)}, and {previews:,} previews"
    console.say(f"{texts}, {'would be removed' if dry_run else 'are removed'}.")
    console.note(cost(table.consumed))


def _writes(store: RetentionStore, page: Sequence[StoredItem], at: datetime, counts: Counter[str]) -> Iterator[Write]:
    """Yield the writes that end what has ended among these items, and count them."""
    for item in page:
        match change_items.to_entity(item):
            case Message() as message if store.is_overdue(message, at):
                counts["messages"] += 1
                yield partial(store.end, message)
            case Change() as change if store.is_change_overdue(change, at):
                yield partial(store.end_change, change)
            case InboxRow() | Head() if store.is_preview_overdue(item, at):
                counts["previews"] += 1
                yield partial(store.end_preview, item)
