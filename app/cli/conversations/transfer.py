"""The commands export and import: groups as JSON lines, unchanged by a round trip."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TextIO
from uuid import UUID

import typer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from app.cli.batches import batched
from app.cli.capacity.cost import cost
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.lookup import find_group, find_user
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import Services, open_services, open_table
from app.cli.target import read_settings, require_consent_off_this_machine
from app.gateways.dynamodb import ConditionFailed, Item, StoredItem, marshal_item, unmarshal_item
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import items
from app.messaging.models import LAST_NUMBER, InboxRow, MemberState, Message, MessageKind, direct_group_uuid
from app.messaging.store import MessagingStore
from app.settings import LONGEST_MESSAGE, StoreSettings, TableSettings
from app.text import PREVIEW_BYTES

app = typer.Typer(rich_markup_mode=None, add_completion=False)

QUERY_ITEMS: Final = 1_000
LINES_AT_ONCE: Final = 200
ERRORS_SHOWN: Final = 10
Number = Annotated[int, Field(ge=1, le=LAST_NUMBER)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MessageLine(_Line):
    """A message on a line of an export."""

    entity: Literal["message"] = "message"
    group_uuid: UUID
    number: Number
    uuid: UUID
    user_uuid: UUID
    text: Annotated[str, Field(max_length=LONGEST_MESSAGE)]
    created_at: AwareDatetime
    kind: MessageKind = MessageKind.TEXT
    reply_to: Number | None = None
    edited_at: AwareDatetime | None = None
    deleted_at: AwareDatetime | None = None

    def value(self) -> Message:
        return Message(**self.model_dump(exclude={"entity"}))


class InboxRowLine(_Line):
    """A member's inbox row on a line of an export."""

    entity: Literal["inbox_row"] = "inbox_row"
    user_uuid: UUID
    group_uuid: UUID
    peer_uuid: UUID
    last_number: Number
    last_at: AwareDatetime
    last_by: UUID
    preview: Annotated[str, Field(max_length=PREVIEW_BYTES)]
    read_number: Annotated[int, Field(ge=0)]
    version: Annotated[int, Field(ge=1)]
    state: MemberState = MemberState.ACTIVE
    is_blocked: bool = False
    muted_until: AwareDatetime | None = None
    pinned_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.group_uuid != direct_group_uuid(self.user_uuid, self.peer_uuid):
            raise ValueError("group_uuid is not the group of user_uuid and peer_uuid")
        if self.read_number > self.last_number:
            raise ValueError("read_number is beyond last_number")
        return self

    def value(self) -> InboxRow:
        return InboxRow(**self.model_dump(exclude={"entity"}))


Line = MessageLine | InboxRowLine
LINE: Final = TypeAdapter[Line](Annotated[Line, Field(discriminator="entity")])


@app.command(
    "export",
    epilog=examples(
        "export 9863de0c-ba2b-5798-ad72-9aae24443ca7 > group.jsonl",
        "export juniper osman --output both.jsonl",
        "export --user juniper --output juniper.jsonl",
    ),
)
async def export(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="GROUP | HANDLE HANDLE", help="A group's uuid, or the handles of two users."),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="HANDLE", help="All groups of this user.")] = None,
    output: Annotated[Path | None, typer.Option(help="A file in place of standard output.")] = None,
) -> None:
    """Write messages and inbox rows as JSON lines, messages first. `cruddur import` reads them.

    An export holds the texts of messages. It names users by their uuid only; their names stay in Postgres.
    """
    if bool(names) == bool(user):
        raise Failure("Give one group, two handles, or --user.", Code.USAGE)
    settings = read_settings(StoreSettings)
    try:
        with _opened(output) as file:
            await _export(Console(), settings, names or [], user, file)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"{output or 'The output'} cannot be written: {error.strerror}.", Code.USAGE) from error


def _opened(output: Path | None) -> TextIO:
    return open(output or sys.stdout.fileno(), "w", encoding="utf-8", closefd=output is not None)


async def _export(console: Console, settings: StoreSettings, names: list[str], user: str | None, file: TextIO) -> None:
    written: Counter[str] = Counter()
    async with open_services(settings) as services:
        if user:
            rows = await services.messaging.inbox_rows((await find_user(services.users, user)).uuid)
            groups = [row.group_uuid for row in rows]
        else:
            groups = [await find_group(services.users, names)]
        with console.progress("Groups", total=len(groups)) as advance:
            for group in groups:
                async for line in _lines(services, group):
                    file.write(line.model_dump_json() + "\n")
                    written[line.entity] += 1
                advance(1)
    if not written and names:
        raise Failure(f"There is no group {groups[0]}.")
    console.note(f"Groups: {len(groups):,}, messages: {written['message']:,}, inbox rows: {written['inbox_row']:,}.")


async def _lines(services: Services, group: UUID) -> AsyncIterator[Line]:
    """Yield a group's messages, then the rows of its members."""
    senders: set[UUID] = set()
    log = items.messages_between(group, 1, LAST_NUMBER, consistent=True)
    while found := await services.table.query(replace(log, limit=QUERY_ITEMS)):
        for item in found:
            message = items.to_message(item)
            _require_same(item, items.message_item(message))
            senders.add(message.user_uuid)
            yield MessageLine(**asdict(message))
        log = items.messages_between(group, message.number + 1, LAST_NUMBER, consistent=True)
    for row in await _rows(services.messaging, group, senders):
        yield InboxRowLine(**asdict(row))


async def _rows(store: MessagingStore, group: UUID, senders: Iterable[UUID]) -> list[InboxRow]:
    """Return the rows of the senders, and of the peers that these rows name."""
    found = [row for user in senders if (row := await store.inbox_row(user, group))]
    silent = {row.peer_uuid for row in found} - {row.user_uuid for row in found}
    return found + [row for user in silent if (row := await store.inbox_row(user, group))]


def _require_same(item: StoredItem, again: Item) -> None:
    """Raise a Failure for an attribute that this version does not know, which the export would lose."""
    if unmarshal_item(marshal_item(again)) != unmarshal_item(item):
        names = ", ".join(sorted(item.keys() ^ again.keys())) or "a value"
        raise Failure(
            f"{again['pk']} {again['sk']} has what this version cannot export: {names}. Use the version of the service."
        )


@app.command("import", epilog=examples("import group.jsonl", "import juniper.jsonl --json"))
async def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="An export.")],
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Write the messages and inbox rows of an export, after checking all of its lines.

    Existing items are kept: an import may be repeated, and goes on where it was interrupted. A message that differs
    from the existing one at its number is reported, and the exit code is 1.
    """
    settings = read_settings(TableSettings)
    count = _check(file)
    require_consent_off_this_machine(settings, f"write {count} lines of {file}", yes=yes, production=production)
    await _import(Console(json), settings, file, count)


def _check(file: Path) -> int:
    """Return the number of lines, or raise a Failure that names the first wrong ones."""
    errors: list[str] = []
    number = 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                LINE.validate_json(line)
            except ValidationError as error:
                errors.append(f"line {number}: {_first_error(error)}")
            if len(errors) == ERRORS_SHOWN:
                break
    if errors:
        raise Failure(f"{file} was not imported: " + "; ".join(errors) + ".", Code.USAGE)
    return number


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("message", "inbox_row"))
    return f"{place}: {first['msg']}" if place else first["msg"]


async def _import(console: Console, settings: TableSettings, file: Path, count: int) -> None:
    done: Counter[str] = Counter()
    async with open_table(settings) as table:
        with console.progress("Lines", total=count) as advance, file.open("rb") as lines:
            for batch in batched(map(LINE.validate_json, lines), LINES_AT_ONCE):
                for kind in (MessageLine, InboxRowLine):  # so that no row is ahead of its log
                    values = [line.value() for line in batch if isinstance(line, kind)]
                    done.update(await asyncio.gather(*(_write(console, table, value) for value in values)))
                advance(len(batch))
    console.record({"lines": count, **done})
    console.say(f"{done['written']:,} of {count:,} lines written, {done['kept']:,} were there already.")
    console.note(cost(table.consumed))
    if done["different"]:
        raise Failure(f"{done['different']:,} messages differ from the existing ones, which were kept.")


async def _write(console: Console, table: OperatedTable, value: Message | InboxRow) -> str:
    put = items.new_message(value) if isinstance(value, Message) else items.copied_inbox_row(value)
    try:
        await table.put(put)
    except ConditionFailed as failed:
        if isinstance(value, Message) and not (failed.item and items.to_message(failed.item) == value):
            console.note(f"Group {value.group_uuid} has another message {value.number}.")
            return "different"
        return "kept"
    return "written"
