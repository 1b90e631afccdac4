"""The command export: groups, or a whole installation, as JSON lines."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Final, TypeVar
from uuid import UUID

import typer

from app.cli.batches import batched
from app.cli.console import Console
from app.cli.conversations.catalogue import Catalogue
from app.cli.conversations.export_file import ExportFile, open_export
from app.cli.conversations.group_reader import GroupReader
from app.cli.conversations.lines import BlockLine, ErasureLine, SettingsLine, UserLine
from app.cli.failures import Code, Failure, output_errors_explained
from app.cli.lookup import find_group, find_user
from app.cli.moderation.reads import As, Operator, Why, members_ever, people_of
from app.cli.options import examples
from app.cli.services import Services, open_services, require_own_table
from app.cli.table.scan import open_reader
from app.gateways.dynamodb import StoredItem
from app.messaging import block_items, change_items, expiring, items
from app.messaging.my_view import pins
from app.messaging.settings import items as settings_items
from app.settings import StoreSettings, read_settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)

GROUPS_AHEAD: Final = 16
USERS_AT_ONCE: Final = 1_000
SEGMENTS: Final = 4
EXPORTED: Final = "messages, changes, groups, inbox rows, blocks or settings"

T = TypeVar("T")


@app.command(
    "export",
    epilog=examples(
        "export 9863de0c-ba2b-5798-ad72-9aae24443ca7 > group.jsonl",
        "export juniper osman --output both.jsonl",
        "export --user juniper --output juniper.jsonl",
        "export --all --output everything.jsonl",
    ),
)
async def export(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="GROUP | HANDLE HANDLE", help="A group's uuid, or the handles of two users."),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="HANDLE", help="All groups of this user.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All groups and all users.")] = False,
    output: Annotated[Path | None, typer.Option(help="A file in place of standard output.")] = None,
    reason: Why = None,
    name: As = None,
) -> None:
    """Write changes, messages and inbox rows as JSON lines, in this order.

    An export, which `cruddur import` reads, holds the texts of messages, unless they have expired. It names users
    by their uuid only; with --all it ends with the blocks and the users themselves, their e-mail addresses and
    settings among them, and with digests of erased users. A file is written under its name with .part until it is
    whole. An export of all that was interrupted goes on from there.
    """
    if [bool(names), bool(user), everything].count(True) != 1:
        raise Failure("Give one group, two handles, --user, or --all.", Code.USAGE)
    settings, console = read_settings(StoreSettings), Console()
    operator = Operator.of(settings, name=name, reason=reason)
    with (
        closing(Catalogue()) as catalogue,
        output_errors_explained(output),
        open_export(output, catalogue if everything else None) as file,
    ):
        async with open_services(settings) as services:
            group = await find_group(services.users, names) if names else None
            owner = (await find_user(services.users, user)).uuid if user else None
            exporter = Exporter(console, services, catalogue, file)
            people = await exporter.find(group, owner)
            await operator.record(services.reads, people, group=group)
            await exporter.write(users=everything)


@dataclass(frozen=True, slots=True)
class Exporter:
    """Finds groups, and writes them to a file."""

    console: Console
    services: Services
    catalogue: Catalogue
    file: ExportFile

    async def find(self, group: UUID | None, owner: UUID | None) -> set[UUID]:
        """Add this group, those of this owner, or all to the catalogue; return their members, none if these are all."""
        if owner:
            rows = await self.services.messaging.inbox_rows(owner)
            self.catalogue.add(row.group_uuid for row in rows)
            return await people_of(self.services.messaging, owner, rows, members_ever)
        if group:
            self.catalogue.add([group])
            return await members_ever(self.services.messaging, group)
        await require_own_table(self.services.table)
        await self._find_all()
        return set()

    async def _find_all(self) -> None:
        others = 0
        async with open_reader(self.console, self.services.table, SEGMENTS) as reader:
            async for page in reader.pages():
                found = [entity.group_uuid for item in page if (entity := change_items.to_entity(item))]
                self.catalogue.add(found)
                blocks = [block_items.to_block(item) for item in page if block_items.is_block(item)]
                self.catalogue.add_blocks(blocks)
                others += len(page) - len(found) - len(blocks) - sum(map(_comes_with_others, page))
        if others:
            self.console.note(f"{others:,} items are no {EXPORTED}, and are not exported.")

    async def write(self, *, users: bool) -> None:
        """Write the groups that are not written yet, if wanted the users, and the last line."""
        done, left = self.catalogue.counts()
        if done:
            self.console.note(f"{done:,} groups were exported before.")
        await self._write_groups(left)
        if users:
            await self._write_users()
        elif not self.file.written:
            await require_own_table(self.services.table)
            if left == 1:
                raise Failure(f"There is no group {next(self.catalogue.left())}.")
        self.console.note(f"Groups: {done + left:,}, {self.file.end(users=users)}.")

    async def _write_groups(self, left: int) -> None:
        with self.console.progress("Groups", total=left) as advance:
            for groups in batched(self.catalogue.left(), GROUPS_AHEAD):
                readers = [GroupReader(self.services, group) for group in groups]
                await asyncio.gather(*(reader.begin() for reader in readers))
                for reader in readers:
                    async for line in reader.lines():
                        self.file.write(line)
                    advance(1)

    async def _write_users(self) -> None:
        """Write all blocks, and all users with their settings.

        They come last, so that every sender of an exported message is among them. 0.5 RCU for each user.
        """
        self.file.write_all(BlockLine(**asdict(block)) for block in self.catalogue.blocks())
        store = self.services.user_store
        async for users in _pages(store.whole_users, last=attrgetter("uuid")):
            self.file.write_all(UserLine.model_validate(asdict(user)) for user in users)
            stored = await self.services.table.batch_get([settings_items.settings_key(user.uuid) for user in users])
            for item in sorted(stored, key=settings_items.settings_owner):
                settings = asdict(settings_items.to_settings(item))
                self.file.write(SettingsLine(user_uuid=settings_items.settings_owner(item), **settings))
        async for erasures in _pages(store.erasures.stored, last=attrgetter("user_uuid")):
            self.file.write_all(map(ErasureLine.of, erasures))


def _comes_with_others(item: StoredItem) -> bool:
    """Return whether what an item stores is exported with messages, blocks or users."""
    is_text = item["sk"]["S"].startswith(expiring.PREFIX)
    return is_text or items.is_fence(item) or settings_items.is_settings(item) or pins.is_pins(item)


async def _pages(read: Callable[..., Awaitable[list[T]]], *, last: Callable[[T], UUID]) -> AsyncIterator[list[T]]:
    """Yield what Postgres has, page by page in the order of the ids, of which `last` returns that of a value."""
    after = None
    while found := await read(after=after, limit=USERS_AT_ONCE):
        yield found
        after = last(found[-1])
