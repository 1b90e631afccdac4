"""export and import: groups as JSON lines, the same after a round trip."""

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
from app.gateways.dynamodb import ConditionFailed, Item, Query, marshal_item, unmarshal_item
from app.gateways.dynamodb.operator import OperatedTable
from app.messaging import items
from app.messaging.models import LAST_NUMBER, InboxRow, MemberState, Message, MessageKind, direct_group_uuid
from app.messaging.store import MessagingStore
from app.settings import StoreSettings, TableSettings

app = typer.Typer(rich_markup_mode=None)

STRETCH: Final = 1_000
LINES_AT_ONCE: Final = 200
MISTAKES_TOLD: Final = 10
Number = Annotated[int, Field(ge=1, le=LAST_NUMBER)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MessageLine(_Line):
    """A message as a line of an export."""

    entity: Literal["message"] = "message"
    group_uuid: UUID
    number: Number
    uuid: UUID
    user_uuid: UUID
    text: Annotated[str, Field(max_length=4_000)]
    created_at: AwareDatetime
    kind: MessageKind = MessageKind.TEXT
    reply_to: Number | None = None
    edited_at: AwareDatetime | None = None
    deleted_at: AwareDatetime | None = None

    def value(self) -> Message:
        return Message(**self.model_dump(exclude={"entity"}))


class InboxRowLine(_Line):
    """One member's view of a group as a line of an export."""

    entity: Literal["inbox_row"] = "inbox_row"
    user_uuid: UUID
    group_uuid: UUID
    peer_uuid: UUID
    last_number: Number
    last_at: AwareDatetime
    last_by: UUID
    preview: Annotated[str, Field(max_length=items.PREVIEW_BYTES)]
    read_number: Annotated[int, Field(ge=0)]
    version: Annotated[int, Field(ge=1)]
    state: MemberState = MemberState.ACTIVE
    is_blocked: bool = False
    muted_until: AwareDatetime | None = None
    pinned_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
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
def export(
    who: Annotated[
        list[str] | None, typer.Argument(metavar="[GROUP | HANDLE HANDLE]", help="A group's uuid, or two people.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="HANDLE", help="All groups of this person.")] = None,
    output: Annotated[Path | None, typer.Option(help="A file in place of standard output.")] = None,
) -> None:
    """Write messages and inbox rows as JSON lines, messages first. `cruddur import` reads them.

    Texts are in it. People are there by their uuid only; their names stay in Postgres.
    """
    if bool(who) == bool(user):
        raise Failure("Give one group, two handles, or --user.", Code.USAGE)
    settings = read_settings(StoreSettings)
    try:
        with output.open("w", encoding="utf-8") if output else _standard_output() as file:
            asyncio.run(_export(Console(), settings, who or [], user, file))
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}.", Code.USAGE) from error


def _standard_output() -> TextIO:
    return open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)


async def _export(console: Console, settings: StoreSettings, who: list[str], user: str | None, file: TextIO) -> None:
    written: Counter[str] = Counter()
    async with open_services(settings) as services:
        if user:
            rows = await services.messaging.inbox_rows((await find_user(services.users, user)).uuid)
            groups = [row.group_uuid for row in rows]
        else:
            groups = [await find_group(services.users, who)]
        with console.progress("Groups", total=len(groups)) as advance:
            for group in groups:
                async for line in _lines(services, group):
                    file.write(line.model_dump_json() + "\n")
                    written[line.entity] += 1
                advance(1)
    if not written and who:
        raise Failure(f"There is no group {groups[0]}.")
    console.note(f"Groups: {len(groups):,}, messages: {written['message']:,}, inbox rows: {written['inbox_row']:,}.")


async def _lines(services: Services, group: UUID) -> AsyncIterator[Line]:
    """A group's messages, then its members' rows."""
    people: set[UUID] = set()
    first = 1
    while found := await services.table.query(_stretch(group, first)):
        for item in found:
            message = items.to_message(item)
            _require_same(item, items.message_item(message))
            people.add(message.user_uuid)
            yield MessageLine(**asdict(message))
        first = message.number + 1
    for row in await _rows(services.messaging, group, people):
        yield InboxRowLine(**asdict(row))


def _stretch(group: UUID, first: int) -> Query:
    return replace(items.messages_between(group, first, LAST_NUMBER, consistent=True), limit=STRETCH)


async def _rows(store: MessagingStore, group: UUID, people: Iterable[UUID]) -> list[InboxRow]:
    """The rows of those who have written, and of the peers that these name."""
    found = [row for user in people if (row := await store.inbox_row(user, group))]
    silent = {row.peer_uuid for row in found} - {row.user_uuid for row in found}
    return found + [row for user in silent if (row := await store.inbox_row(user, group))]


def _require_same(item: Item, again: Item) -> None:
    """An attribute that this program does not know would be lost: rather none than a part."""
    if unmarshal_item(marshal_item(again)) != item:
        names = ", ".join(sorted(item.keys() ^ again.keys())) or "a value"
        raise Failure(f"{item['pk']} {item['sk']} cannot be exported whole: {names}. Use the service's own version.")


@app.command("import", epilog=examples("import group.jsonl", "import juniper.jsonl --json"))
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Made by `cruddur export`.")
    ],
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Write the messages and inbox rows of an export. Every line is checked before the first is written.

    What is there already stays: a file may be imported again, and goes on where it was interrupted. A message that
    differs from the one at its number is reported, and the exit code is 1.
    """
    settings = read_settings(TableSettings)
    count = _check(file)
    require_consent_off_this_machine(settings, f"write {count} lines of {file}", yes=yes, production=production)
    asyncio.run(_import(Console(json), settings, file, count))


def _check(file: Path) -> int:
    """How many lines the file has; a Failure that names the first wrong ones."""
    mistakes: list[str] = []
    number = 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                LINE.validate_json(line)
            except ValidationError as error:
                mistakes.append(f"line {number}: {_mistake(error)}")
            if len(mistakes) == MISTAKES_TOLD:
                break
    if mistakes:
        raise Failure(f"{file} was not imported: " + "; ".join(mistakes) + ".", Code.USAGE)
    return number


def _mistake(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("message", "inbox_row"))
    return f"{place}: {first['msg']}" if place else first["msg"]


async def _import(console: Console, settings: TableSettings, file: Path, count: int) -> None:
    done: Counter[str] = Counter()
    async with open_table(settings) as table:
        with console.progress("Lines", total=count) as advance, file.open("rb") as lines:
            for some in batched(map(LINE.validate_json, lines), LINES_AT_ONCE):
                for kind in (MessageLine, InboxRowLine):  # a row never promises what is not there yet
                    values = [line.value() for line in some if isinstance(line, kind)]
                    done.update(await asyncio.gather(*(_write(console, table, value) for value in values)))
                advance(len(some))
    console.record({"lines": count, **done})
    console.say(f"{done['written']:,} of {count:,} lines written, {done['kept']:,} were there already.")
    console.note(cost(table.consumed))
    if done["different"]:
        raise Failure(f"{done['different']:,} messages differ from those that are there, which were kept.")


async def _write(console: Console, table: OperatedTable, value: Message | InboxRow) -> str:
    put = items.new_message(value) if isinstance(value, Message) else items.copied_inbox_row(value)
    try:
        await table.put(put)
    except ConditionFailed as failed:
        if isinstance(value, Message) and items.to_message(failed.item or {}) != value:
            console.note(f"Group {value.group_uuid} has another message {value.number}.")
            return "different"
        return "kept"
    return "written"
