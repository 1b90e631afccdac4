"""The command import: writes an export to the table and to Postgres, after checking that it is whole."""

import asyncio
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, BinaryIO, Final, Protocol, TypeVar
from uuid import UUID

import typer

from app.cli.batches import for_each
from app.cli.capacity.cost import cost
from app.cli.console import Console
from app.cli.conversations.head_lines import HeadLine
from app.cli.conversations.line_check import LineCheck
from app.cli.conversations.lines import (
    LINE,
    BlockLine,
    ChangeLine,
    ErasureLine,
    InboxRowLine,
    MessageLine,
    SettingsLine,
    UserLine,
)
from app.cli.conversations.log_writer import LogWriter
from app.cli.conversations.tally import Tally
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import open_table, open_user_store, require_own_table
from app.cli.target import require_consent_off_this_machine
from app.gateways.dynamodb import ConditionFailed, Delete, Put
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import block_items, inbox_writes
from app.messaging.groups.items import head_key
from app.messaging.groups.member_items import member_key
from app.messaging.groups.stored import copied_head, copied_member, to_head
from app.messaging.settings import items as settings_items
from app.messaging.store import MessagingStore
from app.settings import StoreSettings, TableSettings, read_settings
from app.users.models import NewUser
from app.users.store import UserStore

app = typer.Typer(rich_markup_mode=None, add_completion=False)

LINES_AT_ONCE: Final = 200
PAIRS_AT_ONCE: Final = 8
ERRORS_SHOWN: Final = 10

T_co = TypeVar("T_co", covariant=True)


class Valued(Protocol[T_co]):
    """A line that has one value."""

    def value(self) -> T_co: ...


@app.command("import", epilog=examples("import group.jsonl", "import juniper.jsonl --json", "import - < all.jsonl"))
async def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export; - is standard input.")],
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Write logs with holes, and rows beyond their log, as they are.")
    ] = False,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Write what an export has into the table, after checking that it is whole.

    That is changes, messages, groups, inbox rows and users. Existing items and users are kept: an import may be
    repeated, and goes on where it was interrupted. Messages that were changed since an earlier import are brought
    up to their changes. A message or change that differs from the existing one at its number is reported, and so is
    a user whose handle or subject another user has; the exit code is then 1. Import into a table that no service
    uses, or groups that are not in use.
    """
    console = Console(json)
    with _seekable(file) as lines:
        check = LineCheck(damaged=damaged)
        with console.progress("Checking", total=None) as advance:
            errors = list(islice(check.complaints(lines, advance), ERRORS_SHOWN))
        if errors:
            raise Failure(f"{file} was not imported: " + "; ".join(errors) + ".", Code.USAGE)
        lines.seek(0)
        settings = read_settings(StoreSettings if check.users else TableSettings)
        action = f"write {check.lines:,} lines of {file}"
        require_consent_off_this_machine(settings, action, yes=yes, production=production)
        async with AsyncExitStack() as stack:
            table = await stack.enter_async_context(open_table(settings))
            await require_own_table(table)
            users = None
            if isinstance(settings, StoreSettings):
                users = await stack.enter_async_context(open_user_store(settings))
            importer = Importer(console, table, users)
            with closing(console.batches("Lines", lines, LINES_AT_ONCE, total=check.lines)) as batches:
                for batch in batches:
                    await importer.write(batch)
            await importer.finish()
    importer.show(check.lines)


@contextmanager
def _seekable(file: Path) -> Iterator[BinaryIO]:
    """Open a file to be read twice: a pipe is copied to a temporary file first."""
    if file.is_file():
        with file.open("rb") as opened:
            yield opened
        return
    with TemporaryFile() as copy:
        with _open_pipe(file) as pipe:
            shutil.copyfileobj(pipe, copy)
        copy.seek(0)
        yield copy


def _open_pipe(file: Path) -> BinaryIO:
    """Open standard input or what else is no plain file, or raise a Failure."""
    try:
        return open(sys.stdin.fileno() if str(file) == "-" else file, "rb", closefd=str(file) != "-")
    except IsADirectoryError:
        raise Failure(f"{file} is a folder: give a file, or - for standard input.", Code.USAGE) from None
    except FileNotFoundError:
        raise Failure(f"{file} does not exist.", Code.USAGE) from None


class Importer:
    """Writes lines, and counts what was written, kept and found different."""

    def __init__(self, console: Console, table: OperatedTable, users: UserStore | None) -> None:
        self._console = console
        self._table = table
        self._store = MessagingStore(table)
        self._users = users
        self._tally = Tally(console)
        self._logs = LogWriter(table, self._tally)
        self._pinning: set[UUID] = set()
        """The users of rows that are pinned."""
        self._blocking: set[frozenset[UUID]] = set()
        """Pairs of users with a block between them."""

    def show(self, lines: int) -> None:
        """Print the numbers, or raise a Failure if anything was found different."""
        counts = self._tally.counts
        self._console.record({"lines": lines, **+counts})
        self._console.say(f"{counts['written']:,} of {lines:,} lines written, {counts['kept']:,} were there.")
        self._console.note(cost(self._table.consumed))
        if different := counts["different"]:
            raise Failure(f"{different:,} messages, changes or users differ from the existing ones, which were kept.")

    async def write(self, batch: Sequence[bytes]) -> None:
        """Write lines: changes, then messages, then heads, then rows, so that none of them is ahead of its log."""
        lines = [LINE.validate_json(line) for line in batch]
        await self._logs.write_changes(_values(lines, ChangeLine))
        await self._logs.write_messages(_values(lines, MessageLine))
        await asyncio.gather(*(self._write_head(line) for line in lines if isinstance(line, HeadLine)))
        rows = _values(lines, InboxRowLine)
        await asyncio.gather(*(self._put(inbox_writes.copied_inbox_row(row)) for row in rows))
        self._pinning |= {row.user_uuid for row in rows if row.pin_position}
        owned = [line for line in lines if isinstance(line, SettingsLine)]
        copies = [settings_items.copied_settings(line.user_uuid, line.value()) for line in owned]
        await asyncio.gather(*map(self._put, copies))
        blocks = _values(lines, BlockLine)
        await asyncio.gather(*(self._put(block_items.block_item(block)) for block in blocks))
        self._blocking |= {frozenset((block.user_uuid, block.other_uuid)) for block in blocks}
        if users := _values(lines, UserLine):
            await self._write_users(users)
        if erasures := _values(lines, ErasureLine):  # their sweeps look for what the export has brought of them
            self._tally.count(await self._user_store.erasures.add_all(erasures), of=len(erasures))

    async def finish(self) -> None:
        """Write what follows from lines that may be far from one another, unless it is there.

        That is the order of a user's pinned groups, and the ends of blocked logs: with one block of two, it would look
        as if their rows were wrong.
        """
        for user in sorted(self._pinning):
            await self._store.views.restore_pins(user, await self._store.inbox_rows(user, consistent=True))
        await for_each(self._blocking, lambda pair: self._store.blocks.restore(*pair), at_once=PAIRS_AT_ONCE)

    async def _write_head(self, line: HeadLine) -> None:
        """Write a head after its members, unless a head of this version or a later one is there."""
        head, members = line.value(), line.member_values()
        there = await self._table.get(head_key(line.group_uuid), consistent=True)
        if there is None or to_head(there).head_version < head.head_version:
            kept = {member.user_uuid for member in members}
            for user in await self._store.heads.members(line.group_uuid):
                if user not in kept:
                    await self._table.delete(Delete(member_key(line.group_uuid, user)))
            await asyncio.gather(*(self._table.put(copied_member(member)) for member in members))
        await self._put(copied_head(head))

    async def _put(self, copy: Put) -> None:
        try:
            await self._table.put(copy)
        except ConditionFailed:
            self._tally.count(0)
        else:
            self._tally.count(1)

    async def _write_users(self, users: Sequence[NewUser]) -> None:
        added = await self._user_store.add_all(users)
        there = {user.uuid for user in await self._user_store.by_uuids([user.uuid for user in users])}
        for user in users:
            if user.uuid not in there:
                why = "another user has the handle or the subject, or it is erased"
                self._tally.report(f"@{user.handle} is not there: {why}.")
        self._tally.count(added, of=len(there))

    @property
    def _user_store(self) -> UserStore:
        if self._users is None:
            raise AssertionError("the check has counted the users")
        return self._users


def _values(lines: Sequence[object], kind: type[Valued[T_co]]) -> list[T_co]:
    return [line.value() for line in lines if isinstance(line, kind)]
