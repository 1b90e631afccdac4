"""The command import: writes an export to the table and to Postgres, after checking that it is whole."""

import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, BinaryIO, Final, TypeVar
from uuid import UUID

import typer

from app.cli.batches import batched
from app.cli.capacity.cost import cost
from app.cli.console import Console
from app.cli.conversations.head_lines import HeadLine
from app.cli.conversations.likeness import is_alike, without_content, without_texts
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
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import open_table, open_user_store, require_own_table
from app.cli.target import read_settings, require_consent_off_this_machine
from app.gateways.dynamodb import ConditionFailed, Delete, Put
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import change_items, inbox_writes
from app.messaging.change_store import ChangeNumberTaken
from app.messaging.errors import CannotMessage, UuidTaken
from app.messaging.groups.items import head_key
from app.messaging.groups.member_items import member_key
from app.messaging.groups.stored import copied_head, copied_member, to_head
from app.messaging.models import Block, Change, Message
from app.messaging.settings import items as settings_items
from app.messaging.store import MessagingStore, NumberTaken
from app.settings import StoreSettings, TableSettings
from app.users.models import NewUser, StoredErasure
from app.users.store import UserStore

app = typer.Typer(rich_markup_mode=None, add_completion=False)

LINES_AT_ONCE: Final = 200
ERRORS_SHOWN: Final = 10


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
        check = _checked(console, lines, str(file), damaged=damaged)
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
            with console.progress("Lines", total=check.lines) as advance:
                for batch in batched(lines, LINES_AT_ONCE):
                    await importer.write(batch)
                    advance(len(batch))
            await importer.restore_pins()
    importer.show(check.lines)


@contextmanager
def _seekable(file: Path) -> Iterator[BinaryIO]:
    """Open a file to be read twice: a pipe is copied to a temporary file first."""
    if file.is_file():
        with file.open("rb") as opened:
            yield opened
        return
    with TemporaryFile() as copy:
        try:
            with open(sys.stdin.fileno() if str(file) == "-" else file, "rb", closefd=str(file) != "-") as pipe:
                shutil.copyfileobj(pipe, copy)
        except IsADirectoryError:
            raise Failure(f"{file} is a folder: give a file, or - for standard input.", Code.USAGE) from None
        except FileNotFoundError:
            raise Failure(f"{file} does not exist.", Code.USAGE) from None
        copy.seek(0)
        yield copy


def _checked(console: Console, lines: BinaryIO, name: str, *, damaged: bool) -> LineCheck:
    """Return the check that all lines have passed, or raise a Failure that names the first wrong ones."""
    check, errors = LineCheck(damaged=damaged), list[str]()
    with console.progress("Checking", total=None) as advance:
        for line in lines:
            errors += check.complaints(line)
            advance(1)
            if len(errors) >= ERRORS_SHOWN:
                break
        else:
            errors += filter(None, [check.last_complaint()])
    if errors:
        raise Failure(f"{name} was not imported: " + "; ".join(errors) + ".", Code.USAGE)
    lines.seek(0)
    return check


class Importer:
    """Writes lines, and counts what was written, kept and found different."""

    def __init__(self, console: Console, table: OperatedTable, users: UserStore | None) -> None:
        self._console = console
        self._table = table
        self._store = MessagingStore(table)
        self._users = users
        self._done: Counter[str] = Counter()
        self._pinning: set[UUID] = set()
        """The users of rows that are pinned."""

    def show(self, lines: int) -> None:
        """Print the numbers, or raise a Failure if anything was found different."""
        self._console.record({"lines": lines, **+self._done})
        self._console.say(f"{self._done['written']:,} of {lines:,} lines written, {self._done['kept']:,} were there.")
        self._console.note(cost(self._table.consumed))
        if different := self._done["different"]:
            raise Failure(f"{different:,} messages, changes or users differ from the existing ones, which were kept.")

    async def write(self, batch: Sequence[bytes]) -> None:
        """Write lines: changes, then messages, then heads, then rows, so that none of them is ahead of its log."""
        lines = [LINE.validate_json(line) for line in batch]
        await asyncio.gather(*map(self._write_changes, _runs([c.value() for c in lines if isinstance(c, ChangeLine)])))
        messages = [line.value() for line in lines if isinstance(line, MessageLine)]
        await asyncio.gather(*map(self._write_messages, _by_group(messages)))
        await asyncio.gather(*(self._write_head(line) for line in lines if isinstance(line, HeadLine)))
        rows = [line.value() for line in lines if isinstance(line, InboxRowLine)]
        await asyncio.gather(*(self._put(inbox_writes.copied_inbox_row(row)) for row in rows))
        self._pinning |= {row.user_uuid for row in rows if row.pin_position}
        owned = [line for line in lines if isinstance(line, SettingsLine)]
        copies = [settings_items.copied_settings(line.user_uuid, line.value()) for line in owned]
        await asyncio.gather(*map(self._put, copies))
        blocks = [line.value() for line in lines if isinstance(line, BlockLine)]
        await asyncio.gather(*map(self._write_block, blocks))
        if users := [line.value() for line in lines if isinstance(line, UserLine)]:
            await self._write_users(users)
        if erasures := [line.value() for line in lines if isinstance(line, ErasureLine)]:
            await self._write_erasures(erasures)

    async def restore_pins(self) -> None:
        """Write the order of pinned groups, which their rows have."""
        for user in sorted(self._pinning):
            await self._store.views.restore_pins(user, await self._store.inbox_rows(user, consistent=True))

    async def _write_changes(self, changes: Sequence[Change]) -> None:
        """Write successive changes of a log, as far as they are not there."""
        group, first, last = changes[0].group_uuid, changes[0].number, changes[-1].number
        found = await self._store.changes.changes_between(group, first, last, consistent=True)
        there = {change.number: change for change in found}
        await asyncio.gather(*(self._write_change(change, there.get(change.number)) for change in changes))

    async def _write_change(self, change: Change, there: Change | None) -> None:
        if there is None:
            try:
                await self._store.changes.append(change)
            except ChangeNumberTaken as error:
                there = error.winner
        if there is None:
            self._done["written"] += 1
        elif there in (change, without_texts(change)):
            self._done["kept"] += 1
        elif change == without_texts(there):  # the message was deleted since
            await self._table.update(change_items.remove_texts(change.group_uuid, change.number))
            self._done["written"] += 1
        else:
            self._report(f"Group {change.group_uuid} has another change {change.number}.")

    async def _write_messages(self, messages: Sequence[Message]) -> None:
        """Write messages of a group in their order: one that was changed during the export comes again."""
        for run in _runs(messages):
            await self._write_log(run)

    async def _write_log(self, messages: Sequence[Message]) -> None:
        """Write successive messages of a log. If the first is there, the others are read before any is written."""
        first, *others = messages
        there: dict[int, Message] = {}
        if not await self._write_message(first) and others:
            group, end = first.group_uuid, others[-1].number
            found = await self._store.messages_between(group, others[0].number, end, consistent=True)
            there = {message.number: message for message in found}
        missing = [message for message in others if message.number not in there]
        for message in others:
            if message.number in there:
                await self._follow(message, there[message.number])
        await asyncio.gather(*map(self._write_message, missing))

    async def _write_message(self, message: Message) -> bool:
        """Write a message, and return whether its number was free."""
        try:
            await self._store.texts.put(message)
            await self._store.append_message(message)
        except NumberTaken as error:
            await self._follow(message, error.winner)
            return False
        except UuidTaken:
            self._report(f"Group {message.group_uuid} has another message {message.number}.")
            return False
        except CannotMessage:
            self._report(f"Group {message.group_uuid} is blocked, and takes no message {message.number}.")
            return False
        self._done["written"] += 1
        await self._remove_texts(message)
        return True

    def _report(self, difference: str) -> None:
        self._done["different"] += 1
        self._console.note(difference)

    async def _follow(self, message: Message, there: Message) -> None:
        """Bring the existing message to the changes that this one has, unless it has them, or is another message."""
        is_same = without_content(message) == without_content(there)
        if is_same and there.change_number < message.change_number:
            await self._table.update(change_items.reset_changes(message, there))
            self._done["written"] += 1
        elif (is_same and there.change_number > message.change_number) or is_alike(message, there):
            self._done["kept"] += 1
        else:
            return self._report(f"Group {message.group_uuid} has another message {message.number}.")
        return await self._remove_texts(replace(message, expires_in=message.expires_in or there.expires_in))

    async def _remove_texts(self, message: Message) -> None:
        """Finish the deletion of a message that has other texts: they were exported before it was deleted."""
        if message.has_texts_to_remove:
            await self._store.changes.remove_texts(message)

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
            self._done["kept"] += 1
        else:
            self._done["written"] += 1

    async def _write_block(self, block: Block) -> None:
        self._done["written" if await self._store.blocks.copy(block) else "kept"] += 1

    async def _write_users(self, users: Sequence[NewUser]) -> None:
        if self._users is None:
            raise AssertionError("the check has counted the users")
        added = await self._users.add_all(users)
        there = {user.uuid for user in await self._users.by_uuids([user.uuid for user in users])}
        for user in users:
            if user.uuid not in there:
                self._console.note(
                    f"@{user.handle} is not there: another user has the handle or the subject, or it is erased."
                )
        self._done.update(written=added, kept=len(there) - added, different=len(users) - len(there))

    async def _write_erasures(self, erasures: Sequence[StoredErasure]) -> None:
        """Write erased users, whose sweeps then look for what the export has brought of them."""
        if self._users is None:
            raise AssertionError("the check has counted the erased users")
        added = await self._users.erasures.add_all(erasures)
        self._done.update(written=added, kept=len(erasures) - added)


T = TypeVar("T", Message, Change)


def _by_group(values: Sequence[T]) -> list[list[T]]:
    """Return the values of each group in a list of their own."""
    groups: dict[UUID, list[T]] = {}
    for value in values:
        groups.setdefault(value.group_uuid, []).append(value)
    return list(groups.values())


def _runs(values: Sequence[T]) -> list[list[T]]:
    """Return the values in lists of successive numbers of a group."""
    keyed = ((value.group_uuid, value.number - at, value) for at, value in enumerate(values))
    return [[value for *_, value in run] for _, run in groupby(keyed, key=itemgetter(0, 1))]
