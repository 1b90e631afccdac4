"""The command export: groups, or a whole installation, as JSON lines."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Final, TextIO
from uuid import UUID

import typer

from app.cli.batches import batched
from app.cli.console import Console
from app.cli.conversations.catalogue import Catalogue
from app.cli.conversations.group_reader import GroupReader
from app.cli.conversations.lines import LINE, BlockLine, EndLine, ErasureLine, Line, SettingsLine, UserLine, end_line
from app.cli.failures import Code, Failure
from app.cli.lookup import find_group, find_user
from app.cli.moderation.reads import As, Operator, Why, members_ever, people_of
from app.cli.options import examples
from app.cli.services import Services, open_services, require_own_table
from app.cli.table.scan import Reader
from app.cli.target import read_settings
from app.gateways.dynamodb import StoredItem
from app.messaging import block_items, change_items, expiring, items
from app.messaging.my_view import pins
from app.messaging.settings import items as settings_items
from app.settings import StoreSettings

app = typer.Typer(rich_markup_mode=None, add_completion=False)

GROUPS_AHEAD: Final = 16
USERS_AT_ONCE: Final = 1_000
SEGMENTS: Final = 4
WITHOUT_GROUP: Final = BlockLine, UserLine, SettingsLine, ErasureLine, EndLine


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
    with closing(Catalogue()) as catalogue:
        try:
            with _opened(output, catalogue if everything else None) as export:
                async with open_services(settings) as services:
                    group = await find_group(services.users, names) if names else None
                    owner = (await find_user(services.users, user)).uuid if user else None
                    people = await _find_groups(console, services, catalogue, group, owner)
                    await operator.record(services.reads, people, group=group)
                    await _export(console, services, catalogue, export, users=everything)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Failure(f"{output or 'The output'} cannot be written: {error.strerror}.", Code.USAGE) from error


@dataclass(slots=True)
class Export:
    """An export that is being written, with the numbers of its lines."""

    file: TextIO
    written: Counter[str] = field(default_factory=Counter)

    def write(self, line: Line) -> None:
        self.file.write(line.model_dump_json() + "\n")
        self.written[line.entity] += 1


@contextmanager
def _opened(output: Path | None, resumed: Catalogue | None) -> Iterator[Export]:
    """Open the output. A file gets its name when it is whole; with a catalogue an interrupted one is gone on with."""
    if output is None or (output.exists() and not output.is_file()):
        with open(output or sys.stdout.fileno(), "w", encoding="utf-8", closefd=output is not None) as file:
            yield Export(file)
        return
    part = output.with_name(f"{output.name}.part")
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        export = Export(file)
        size = _resume(part, export, resumed) if resumed else 0
        file.truncate(size)
        file.seek(size)
        yield export
    part.replace(output)


def _resume(part: Path, export: Export, catalogue: Catalogue) -> int:
    """Record the groups that are whole in an interrupted file, and return where the last of them ends.

    The last group may lack messages or rows, so it does not count.
    """
    group, size, counts = None, 0, Counter[str]()
    end = 0
    with part.open("rb") as lines:
        for text in lines:
            try:
                line = LINE.validate_json(text)
            except ValueError:  # the line that was being written
                break
            of_group = None if isinstance(line, WITHOUT_GROUP) else line.group_uuid
            if of_group is None or of_group != group:
                if group:
                    catalogue.record_done(group)
                end, export.written = size, counts.copy()
                group = of_group
            if group is None:  # blocks and users are written anew
                break
            counts[line.entity] += 1
            size += len(text)
    return end


async def _find_groups(
    console: Console, services: Services, catalogue: Catalogue, group: UUID | None, owner: UUID | None
) -> set[UUID]:
    """Add the groups to the catalogue and return their members, none if these are all groups."""
    if owner:
        rows = await services.messaging.inbox_rows(owner)
        catalogue.add(row.group_uuid for row in rows)
        return await people_of(services.messaging, owner, rows, members_ever)
    if group:
        catalogue.add([group])
        return await members_ever(services.messaging, group)
    await _find_all_groups(console, services, catalogue)
    return set()


async def _find_all_groups(console: Console, services: Services, catalogue: Catalogue) -> None:
    await require_own_table(services.table)
    about, others = await services.table.describe() or {}, 0
    with console.progress("Items", total=about.get("ItemCount") or None) as advance:
        async for page in Reader(services.table, SEGMENTS, advance).pages():
            found = [entity.group_uuid for item in page if (entity := change_items.to_entity(item))]
            catalogue.add(found)
            blocks = [block_items.to_block(item) for item in page if block_items.is_block(item)]
            catalogue.add_blocks(blocks)
            others += len(page) - len(found) - len(blocks) - sum(map(_comes_with_others, page))
    if others:
        console.note(
            f"{others:,} items are no messages, changes, groups, inbox rows, blocks or settings, and are not exported."
        )


def _comes_with_others(item: StoredItem) -> bool:
    """Return whether what an item stores is exported with messages, blocks or users."""
    is_text = item["sk"]["S"].startswith(expiring.PREFIX)
    return is_text or items.is_fence(item) or settings_items.is_settings(item) or pins.is_pins(item)


async def _export(console: Console, services: Services, catalogue: Catalogue, export: Export, *, users: bool) -> None:
    done, left = catalogue.counts()
    if done:
        console.note(f"{done:,} groups were exported before.")
    with console.progress("Groups", total=left) as advance:
        for groups in batched(catalogue.left(), GROUPS_AHEAD):
            readers = [GroupReader(services, group) for group in groups]
            await asyncio.gather(*(reader.begin() for reader in readers))
            for reader in readers:
                async for line in reader.lines():
                    export.write(line)
                advance(1)
    if not export.written and not users:
        await require_own_table(services.table)
        if left == 1:
            raise Failure(f"There is no group {groups[0]}.")
    if users:
        await _export_users(services, catalogue, export)
    counts = export.written.copy()
    export.write(end_line(counts))
    told = f"Groups: {done + left:,}, messages: {counts['message']:,}, changes: {counts['change']:,}"
    told += f", inbox rows: {counts['inbox_row']:,}"
    console.note(f"{told}, users: {counts['user']:,}." if users else f"{told}.")


async def _export_users(services: Services, catalogue: Catalogue, export: Export) -> None:
    """Write all blocks, and all users with their settings.

    They come last, so that every sender of an exported message is among them. 0.5 RCU for each user.
    """
    for block in catalogue.blocks():
        export.write(BlockLine(**asdict(block)))
    after = None
    while found := await services.user_store.whole_users(after=after, limit=USERS_AT_ONCE):
        for user in found:
            export.write(UserLine.model_validate(asdict(user)))
        stored = await services.table.batch_get([settings_items.settings_key(user.uuid) for user in found])
        for item in sorted(stored, key=settings_items.settings_owner):
            settings = asdict(settings_items.to_settings(item))
            export.write(SettingsLine(user_uuid=settings_items.settings_owner(item), **settings))
        after = found[-1].uuid
    after = None
    while erased := await services.user_store.erasures.stored(after=after, limit=USERS_AT_ONCE):
        for erasure in erased:
            export.write(ErasureLine.of(erasure))
        after = erased[-1].user_uuid
