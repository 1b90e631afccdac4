"""scan: every item of the table, filtered, by several readers at the same time."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from app.cli.capacity.cost import cost
from app.cli.console import Advance, Console, local_time, readable
from app.cli.failures import Code, Failure
from app.cli.options import Json, examples
from app.cli.services import open_table
from app.cli.target import read_settings
from app.gateways.dynamodb import Item
from app.gateways.dynamodb.operator import OperatedTable, Segment
from app.messaging import items
from app.messaging.models import Message
from app.settings import TableSettings

app = typer.Typer(rich_markup_mode=None)

SHOWN: Final = 100
"""Items that are shown to people unless they say otherwise."""
PAGES_AHEAD: Final = 4
Record = dict[str, Any]


@app.command(
    "scan",
    epilog=examples(
        "scan --limit 10",
        "scan --filter entity=message --filter 'text~harvest'",
        "scan --filter 'read_number<5' --filter entity=inbox_row --json",
        "scan --json --segments 8 > everything.jsonl",
    ),
)
def scan(
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="TEST", help="FIELD=VALUE, also with != < > ~ (contains). Repeat for more."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many items; people get 100, machines all.")
    ] = None,
    segments: Annotated[int, typer.Option(min=1, max=64, help="Readers at the same time.")] = 4,
    json: Json = False,
) -> None:
    """Look through the whole table, in no particular order. Fields have their long names, as --json shows them.

    A filter decides what is shown, not what is read: a scan costs half a read unit for every 4 KB of the table.
    """
    tests = [_test(text) for text in filters or ()]
    console = Console(json)
    asyncio.run(_scan(console, read_settings(TableSettings), tests, segments, limit or (None if json else SHOWN)))


Test = Callable[[Record], bool]
OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "!=": lambda value, wanted: bool(value != wanted),
    "=": lambda value, wanted: bool(value == wanted),
    "<": lambda value, wanted: bool(value < wanted),
    ">": lambda value, wanted: bool(value > wanted),
}


def _test(text: str) -> Test:
    """A test of a record out of `field=value`; a record without the field fails it."""
    match = re.fullmatch(r"(\w+)(!=|=|<|>|~)(.*)", text, re.DOTALL)
    if match is None:
        raise Failure(f"{text!r} is not a filter: write FIELD=VALUE, or one of != < > ~ for the =.", Code.USAGE)
    field, operator, wanted = match.groups()
    if operator == "~":
        return lambda record: field in record and wanted.lower() in str(record[field]).lower()
    compare = OPERATORS[operator]
    return lambda record: record.get(field) is not None and compare(*_alike(record[field], wanted))


def _alike(value: Any, wanted: str) -> tuple[Any, Any]:
    """Both as numbers if the field is one, else both as text, in which times are in their order too."""
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return value, float(wanted)
        except ValueError:
            raise Failure(f"{wanted!r} is compared with a number and is none.", Code.USAGE) from None
    return _plain(value).lower(), wanted.lower()


async def _scan(
    console: Console, settings: TableSettings, tests: Sequence[Test], segments: int, limit: int | None
) -> None:
    async with open_table(settings) as table:
        about = await table.describe() or {}
        found: list[Record] = []
        with console.progress("Items", total=about.get("ItemCount") or None) as advance:
            reader = Reader(table, segments, advance, page=None if tests or limit is None else limit + 1)
            async with aclosing(_matching(reader, tests, limit)) as records:
                async for record in records:
                    console.record({name: _json(value) for name, value in record.items()})
                    found += [] if console.json else [record]
    if found:
        console.table(["entity", "group", "number", "at", "by", "text"], map(_row, found), right=["number"])
    more = f" Stopped at {limit}, more with --limit." if reader.is_cut_short else ""
    console.note(f"{reader.seen:,} items read, {reader.matched:,} match.{more} {cost(table.consumed)}")


@dataclass
class Reader:
    """Reads a table in parallel segments, a few pages ahead of whoever takes the items."""

    table: OperatedTable
    segments: int
    advance: Advance
    page: int | None = None
    seen: int = 0
    matched: int = 0
    is_cut_short: bool = False

    async def pages(self) -> AsyncGenerator[list[Item], None]:
        """Every item of the table, as many at once as came at once."""
        pages: asyncio.Queue[list[Item] | None] = asyncio.Queue(PAGES_AHEAD)
        readers = asyncio.create_task(self._read_all(pages))
        try:
            while (page := await pages.get()) is not None:
                self.seen += len(page)
                self.advance(len(page))
                yield page
            await readers
        finally:
            readers.cancel()

    async def _read_all(self, pages: "asyncio.Queue[list[Item] | None]") -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self.segments):
                    group.create_task(self._read(Segment(number, self.segments), pages))
        finally:
            await pages.put(None)

    async def _read(self, segment: Segment, pages: "asyncio.Queue[list[Item] | None]") -> None:
        async for page in self.table.scan(segment, page=self.page):
            await pages.put(page)


async def _matching(reader: Reader, tests: Sequence[Test], limit: int | None) -> AsyncGenerator[Record, None]:
    async with aclosing(reader.pages()) as pages:
        async for page in pages:
            for record in map(to_record, page):
                if not all(test(record) for test in tests):
                    continue
                if reader.matched == limit:
                    reader.is_cut_short = True
                    return
                reader.matched += 1
                yield record


def to_record(item: Item) -> Record:
    """An item with the names that the service has for its attributes; an unknown one as it is stored."""
    entity = items.to_entity(item)
    if entity is None:
        return {"entity": "other", **item}
    fields = {name: value for name, value in asdict(entity).items() if value is not None}
    return {"entity": "message" if isinstance(entity, Message) else "inbox_row", **fields}


def _json(value: Any) -> Any:
    return value if isinstance(value, int | str | list | dict) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _row(record: Record) -> list[object]:
    """The few fields that people look for first."""
    at: datetime | None = record.get("created_at") or record.get("last_at")
    number = record.get("number") or record.get("last_number", "")
    by = record.get("user_uuid", record.get("pk", ""))
    text = record.get("text") or record.get("preview") or record.get("sk", "")
    return [record["entity"], record.get("group_uuid", ""), number, local_time(at) if at else "", by, readable(text)]
