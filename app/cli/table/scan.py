"""The command scan: every item of the table, filtered, by several readers at the same time."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from operator import eq, gt, lt, ne
from typing import Annotated, Any, Final, Self

import typer

from app.cli.capacity.cost import cost
from app.cli.console import Advance, Console, local_time, readable
from app.cli.failures import Code, Failure
from app.cli.moderation.reads import As, Why, open_services_to_read
from app.cli.options import Json, examples
from app.gateways.dynamodb import StoredItem, unmarshal_item
from app.gateways.dynamodb.operator import OperatedTable, Segment
from app.messaging import change_items
from app.messaging.groups.models import Member
from app.messaging.groups.stored import Head
from app.messaging.models import Change, Message
from app.messaging.my_view import pins
from app.messaging.row_models import InboxRow

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SHOWN: Final = 100
"""Items that are shown without --limit and --json."""
PAGES_AHEAD: Final = 4
Record = dict[str, Any]
ENTITIES: Final = {Message: "message", Change: "change", InboxRow: "inbox_row", Head: "head", Member: "member"}
FIELDS: Final = {"entity", "pk", "sk"} | {field.name for kind in ENTITIES for field in fields(kind)}
"""The names that a filter may have; items of other kinds have their keys."""
JSON_TYPES: Final = (int, str, list, dict)


@app.command(
    "scan",
    epilog=examples(
        "scan --limit 10",
        "scan --filter entity=message --filter 'text~harvest'",
        "scan --filter 'read_number<5' --filter entity=inbox_row --json",
        "scan --json --segments 8 > everything.jsonl",
    ),
)
async def scan(
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="TEST", help="FIELD=VALUE, also with != < > ~ (contains). Repeatable."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most items to show; by default 100, with --json all.")
    ] = None,
    segments: Annotated[int, typer.Option(min=1, max=64, help="Readers at the same time.")] = 4,
    reason: Why = None,
    name: As = None,
    json: Json = False,
) -> None:
    """Read the whole table, in no particular order.

    Fields have the long names that --json shows. A filter selects what is shown, not what is read: a scan costs
    half a read unit for every 4 KB of the table.
    """
    tests = [Filter.of(text) for text in filters or ()]
    console, limit = Console(json), limit or (None if json else SHOWN)
    found: list[Record] = []
    async with open_services_to_read(name=name, reason=reason) as (services, operator):
        await operator.record(services.reads, ())
        page = None if tests or limit is None else limit + 1
        async with (
            open_reader(console, services.table, segments, page=page) as reader,
            aclosing(reader.records(tests, limit)) as records,
        ):
            async for record in records:
                console.record({name: v if isinstance(v, JSON_TYPES) else _plain(v) for name, v in record.items()})
                found += [] if json else [record]
    if found:
        console.table(["entity", "group", "number", "at", "by", "text"], map(_row, found), right=["number"])
    more = f" Stopped at {limit}, more with --limit." if reader.is_cut_short else ""
    console.note(f"{reader.seen:,} items read, {reader.matched:,} match.{more} {cost(services.table.consumed)}")


OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {"!=": ne, "=": eq, "<": lt, ">": gt}


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on records, as FIELD=VALUE says it. A record without the field does not fulfil it."""

    field: str
    operator: str
    wanted: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the filter that a text says, or raise a Failure."""
        match = re.fullmatch(r"(\w+)(!=|=|<|>|~)(.*)", text, re.DOTALL)
        if match is None:
            raise Failure(f"{text!r} is not a filter: write FIELD=VALUE, or one of != < > ~ for the =.", Code.USAGE)
        if match[1] not in FIELDS:
            raise Failure(f"There is no field {match[1]!r}: the fields are {', '.join(sorted(FIELDS))}.", Code.USAGE)
        return cls(*match.groups())

    def selects(self, record: Record) -> bool:
        """Return whether a record fulfils it. Numbers are compared as such, all else as text, also times."""
        value = record.get(self.field)
        if self.operator == "~":
            return self.field in record and self.wanted.lower() in str(value).lower()
        compare = OPERATORS[self.operator]
        if isinstance(value, bool) or not isinstance(value, int):
            return value is not None and compare(_plain(value).lower(), self.wanted.lower())
        try:
            return compare(value, float(self.wanted))
        except ValueError:
            raise Failure(f"{self.wanted!r} is not a number, but the field is.", Code.USAGE) from None


@dataclass
class Reader:
    """Reads a table in parallel segments, a few pages ahead of its caller."""

    table: OperatedTable
    segments: int
    advance: Advance
    page: int | None = None
    seen: int = 0
    matched: int = 0
    is_cut_short: bool = False

    async def pages(self) -> AsyncGenerator[list[StoredItem], None]:
        """Yield all items of the table, page by page."""
        pages: asyncio.Queue[list[StoredItem] | None] = asyncio.Queue(PAGES_AHEAD)
        readers = asyncio.create_task(self._read_all(pages))
        try:
            while (page := await pages.get()) is not None:
                self.seen += len(page)
                self.advance(len(page))
                yield page
            await readers
        finally:
            readers.cancel()

    async def records(self, filters: Sequence[Filter], limit: int | None) -> AsyncGenerator[Record, None]:
        """Yield the records of items that all filters select, up to the limit."""
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for record in map(to_record, page):
                    if not all(each.selects(record) for each in filters):
                        continue
                    if self.matched == limit:
                        self.is_cut_short = True
                        return
                    self.matched += 1
                    yield record

    async def _read_all(self, pages: "asyncio.Queue[list[StoredItem] | None]") -> None:
        async def read(segment: Segment) -> None:
            async for page in self.table.scan(segment, page=self.page):
                await pages.put(page)

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self.segments):
                    group.create_task(read(Segment(number, self.segments)))
        finally:
            await pages.put(None)


@asynccontextmanager
async def open_reader(
    console: Console, table: OperatedTable, segments: int, *, page: int | None = None
) -> AsyncIterator[Reader]:
    """Return a reader of a table, beside a bar that shows how much of it is read."""
    about = await table.describe() or {}
    with console.progress("Items", total=about.get("ItemCount") or None) as advance:
        yield Reader(table, segments, advance, page)


def to_record(item: StoredItem) -> Record:
    """Return an item with the service's names for its attributes; an item of unknown kind unchanged."""
    entity = change_items.to_entity(item)
    if entity is None and pins.is_pins(item):
        of_user = pins.to_pins(item)
        return {"entity": "pins", "user_uuid": of_user.user_uuid, "groups": [str(group) for group in of_user.groups]}
    if entity is None:
        return {"entity": "other", **unmarshal_item(item)}
    fields = {name: value for name, value in asdict(entity).items() if value is not None}
    for name, value in fields.items():
        if isinstance(value, frozenset | tuple):
            members = value if isinstance(value, tuple) else sorted(value)
            fields[name] = [each if isinstance(each, int) else str(each) for each in members]
    if isinstance(entity, InboxRow):
        fields["gone"] = {number: _plain(at) for number, at in sorted(entity.gone.items())}
    if isinstance(entity, Message):
        fields["reactions"] = {emoji: sorted(map(str, users)) for emoji, users in sorted(entity.reactions.items())}
    return {"entity": ENTITIES[type(entity)], **fields}


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _row(record: Record) -> list[object]:
    """Return the cells of a record for people."""
    at: datetime | None = record.get("created_at") or record.get("last_at") or record.get("joined_at")
    number = record.get("number") or record.get("last_number", "")
    by = record.get("user_uuid", record.get("pk", ""))
    other = record["role"] if record["entity"] == "member" else record.get("sk", "")
    text = record.get("text") or record.get("preview") or record.get("title") or other
    return [record["entity"], record.get("group_uuid", ""), number, local_time(at) if at else "", by, readable(text)]
