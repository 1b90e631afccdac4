"""schema-load, list-tables, describe, drop: the table itself."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import open_table
from app.cli.target import read_settings, require_consent
from app.settings import TableSettings
from migrations.dynamodb_table import TTL_ATTRIBUTE, create_table, table_definition

app = typer.Typer(rich_markup_mode=None)

TableName = Annotated[str | None, typer.Option("--table", help="Another table than the setting DYNAMODB_TABLE.")]


@app.command("schema-load", epilog=examples("schema-load", "DYNAMODB_BILLING_MODE=PAY_PER_REQUEST cruddur schema-load"))
def schema_load(json: Json = False) -> None:
    """Create the table with its index and expiry, as the settings say.

    A table that is there already is compared and left alone: exit code 0 when it is as it should be, 1 when not.
    """
    asyncio.run(_schema_load(Console(json), read_settings(TableSettings)))


async def _schema_load(console: Console, settings: TableSettings) -> None:
    async with open_table(settings) as table:
        if found := await table.describe():
            wrong = list(differences(found, settings))
        else:
            await create_table(settings)
            wrong = []
    console.record({"table": settings.dynamodb_table, "created": found is None, "differences": wrong})
    for line in wrong:
        console.say(f"{settings.dynamodb_table}: {line}")
    if wrong:
        raise Failure(f"{settings.dynamodb_table} is not as the settings say; nothing was changed.")
    console.say(f"{settings.dynamodb_table}: {'is there, as it should be' if found else 'created'}")


def differences(found: Mapping[str, Any], settings: TableSettings) -> Iterator[str]:
    """How a table differs from what schema-load would create: what it has, what it should have."""
    there, wanted = _shape(found), _shape(table_definition(settings) | {"TimeToLive": {"AttributeName": TTL_ATTRIBUTE}})
    for part in sorted(there.keys() | wanted.keys()):
        if there.get(part) != wanted.get(part):
            yield f"{part} is {there.get(part, 'not there')}, should be {wanted.get(part, 'not there')}"


def _shape(table: Mapping[str, Any]) -> dict[str, str]:
    """What matters of a table, of its definition or of its description, by names for people."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    mode = table.get("BillingMode") or table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    shape = {
        "key": _keys(table, types),
        "billing mode": mode,
        "expiry": table["TimeToLive"].get("AttributeName", "off"),
    }
    shape["deletion protection"] = "on" if table.get("DeletionProtectionEnabled") else "off"
    parts = {"table": table} | {f"index {index['IndexName']}": index for index in _indexes(table)}
    for name, part in parts.items():
        if name != "table":
            shape[f"{name} key"] = _keys(part, types)
            shape[f"{name} projection"] = part["Projection"]["ProjectionType"]
        if mode == "PROVISIONED":
            units = part["ProvisionedThroughput"]
            shape[f"{name} units"] = f"{units['ReadCapacityUnits']} read, {units['WriteCapacityUnits']} write"
    return shape


def _indexes(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*table.get("GlobalSecondaryIndexes", ()), *table.get("LocalSecondaryIndexes", ())]


def _keys(part: Mapping[str, Any], types: Mapping[str, str]) -> str:
    return ", ".join(f"{key['AttributeName']} {types[key['AttributeName']]}" for key in part["KeySchema"])


@app.command("list-tables", epilog=examples("list-tables", "list-tables --json"))
def list_tables(json: Json = False) -> None:
    """The names of all tables of this engine, or of this account and region."""
    asyncio.run(_list_tables(Console(json), read_settings(TableSettings)))


async def _list_tables(console: Console, settings: TableSettings) -> None:
    async with open_table(settings) as table:
        names = await table.tables()
    for name in names:
        console.say(name)
        console.record({"table": name})
    if not names:
        console.note("There are no tables here: `cruddur schema-load` creates ours.")


@app.command("describe", epilog=examples("describe", "describe --table other-table --json"))
def describe(table: TableName = None, json: Json = False) -> None:
    """What DynamoDB says of the table. Items and bytes are counted every six hours on AWS."""
    asyncio.run(_describe(Console(json), read_settings(TableSettings), table))


async def _describe(console: Console, settings: TableSettings, name: str | None) -> None:
    async with open_table(settings, name=name) as table:
        found = await table.describe()
    if found is None:
        raise Failure(f"There is no table {table.name} here: `cruddur schema-load` creates ours.")
    facts = {"table": found["TableName"], "status": found["TableStatus"], "items": found.get("ItemCount", 0),
             "bytes": found.get("TableSizeBytes", 0), **_shape(found)}  # fmt: skip
    facts |= {f"index {index['IndexName']} status": index.get("IndexStatus", "?") for index in _indexes(found)}
    console.record({name.replace(" ", "_"): fact for name, fact in facts.items()})
    console.table(["", ""], facts.items())


@app.command("drop", epilog=examples("drop cruddur-messages", "drop cruddur-messages --yes"))
def drop(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Its name.")],
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Delete a table and everything in it. There is no way back.

    Asks for the table's name again. A table with deletion protection stays; switch that off first, where you mean it.
    """
    asyncio.run(_drop(Console(), read_settings(TableSettings), table, yes=yes, production=production))


async def _drop(console: Console, settings: TableSettings, name: str, *, yes: bool, production: bool) -> None:
    async with open_table(settings, name=name) as table:
        found = await table.describe()
        if found is None:
            raise Failure(f"There is no table {name} here: `cruddur list-tables` shows which there are.")
        if found.get("DeletionProtectionEnabled"):
            raise Failure(f"{name} is protected from deletion, so it stays.", Code.REFUSED)
        require_consent(settings, f"delete {name} and everything in it", word=name, yes=yes, production=production)
        await table.drop()
    console.say(f"{name}: deleted")
