"""The commands schema-load, list-tables, describe and drop: the table itself."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import open_table
from app.cli.target import is_local, require_answer, require_consent
from app.settings import TableSettings, read_settings
from migrations.dynamodb_table import TTL_ATTRIBUTE, create_table, table_definition

app = typer.Typer(rich_markup_mode=None, add_completion=False)

TableName = Annotated[str | None, typer.Option("--table", help="A table in place of the setting DYNAMODB_TABLE.")]


@app.command("schema-load", epilog=examples("schema-load", "DYNAMODB_BILLING_MODE=PAY_PER_REQUEST cruddur schema-load"))
async def schema_load(json: Json = False, yes: Yes = False) -> None:
    """Create the table with its index and expiry, as the settings say.

    In production it gets its protections, too. Asks for the table's name off this machine. An existing table is
    compared and not changed: exit code 0 if it is as the settings say, else 1. Units that were changed since are no
    difference.
    """
    settings, console = read_settings(TableSettings), Console(json)
    async with open_table(settings) as table:
        found = await table.describe()
        if found is None:
            if not is_local(settings):
                require_answer(f"create the table {table.name}", word=table.name, yes=yes)
            await create_table(settings)
    wrong, notes = (list(differences(found, settings)), list(unit_notes(found, settings))) if found else ([], [])
    console.record({"table": settings.dynamodb_table, "created": found is None, "differences": wrong, "notes": notes})
    for line in wrong + notes:
        console.say(f"{settings.dynamodb_table}: {line}")
    if wrong:
        raise Failure(f"{settings.dynamodb_table} is not as the settings say; nothing was changed.")
    console.say(f"{settings.dynamodb_table}: {'is there, as it should be' if found else 'created'}")


def differences(found: Mapping[str, Any], settings: TableSettings) -> Iterator[str]:
    """Yield the differences between a table and what schema-load would create, in words."""
    there, wanted = _shape(found), _shape(_wanted(found, settings))
    for part in sorted(there.keys() | wanted.keys()):
        if there.get(part) != wanted.get(part):
            yield f"{part} is {there.get(part, 'not there')}, should be {wanted.get(part, 'not there')}"


def unit_notes(found: Mapping[str, Any], settings: TableSettings) -> Iterator[str]:
    """Yield where the units are not those of the settings, which count when a table is created and not afterwards."""
    there, wanted = _units(found), _units(_wanted(found, settings))
    for part in there.keys() & wanted.keys():
        if there[part] != wanted[part]:
            yield f"{part} are {there[part]}; the settings, for a new table, say {wanted[part]}"


def _wanted(found: Mapping[str, Any], settings: TableSettings) -> dict[str, Any]:
    """Return the definition of the table, with the switches that schema-load sets. Recovery counts in production."""
    recovery = found["PointInTimeRecovery"]
    must_recover = settings.environment == "production" and recovery != "unknown"
    switches = {
        "TimeToLive": {"AttributeName": TTL_ATTRIBUTE},
        "PointInTimeRecovery": "on" if must_recover else recovery,
    }
    return table_definition(settings) | switches


def _shape(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of a table that are compared and shown, from its definition or its description."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    shape = {
        "key": _keys(table, types),
        "billing mode": _mode(table),
        "expiry": table["TimeToLive"].get("AttributeName", "off"),
        "deletion protection": "on" if table.get("DeletionProtectionEnabled") else "off",
        "point-in-time recovery": table["PointInTimeRecovery"],
    }
    for index in _indexes(table):
        shape[f"index {index['IndexName']} key"] = _keys(index, types)
        shape[f"index {index['IndexName']} projection"] = index["Projection"]["ProjectionType"]
    return shape


def _units(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the units of the table and each index, from its definition or its description; none if on demand."""
    if _mode(table) != "PROVISIONED":
        return {}
    parts = {"table": table} | {f"index {index['IndexName']}": index for index in _indexes(table)}
    units = {f"{name} units": part["ProvisionedThroughput"] for name, part in parts.items()}
    return {
        name: f"{each['ReadCapacityUnits']} read, {each['WriteCapacityUnits']} write" for name, each in units.items()
    }


def _mode(table: Mapping[str, Any]) -> str:
    mode: str = table.get("BillingMode") or table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    return mode


def _indexes(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*table.get("GlobalSecondaryIndexes", ()), *table.get("LocalSecondaryIndexes", ())]


def _keys(part: Mapping[str, Any], types: Mapping[str, str]) -> str:
    return ", ".join(f"{key['AttributeName']} {types[key['AttributeName']]}" for key in part["KeySchema"])


@app.command("list-tables", epilog=examples("list-tables", "list-tables --json"))
async def list_tables(json: Json = False) -> None:
    """List the names of all tables of this engine, or of this account and region."""
    console = Console(json)
    async with open_table(read_settings(TableSettings)) as table:
        names = await table.tables()
    for name in names:
        console.say(name)
        console.record({"table": name})
    if not names:
        console.note("There are no tables here: `cruddur schema-load` creates the service's.")


@app.command("describe", epilog=examples("describe", "describe --table other-table --json"))
async def describe(table: TableName = None, json: Json = False) -> None:
    """Show DynamoDB's description of the table.

    AWS counts items and bytes every six hours.
    """
    async with open_table(read_settings(TableSettings), name=table) as opened:
        found = await opened.describe()
    if found is None:
        raise Failure(f"There is no table {opened.name} here: `cruddur schema-load` creates the service's.")
    facts = {
        "table": found["TableName"],
        "status": found["TableStatus"],
        "items": found.get("ItemCount", 0),
        "bytes": found.get("TableSizeBytes", 0),
        **_shape(found),
        **_units(found),
    }
    facts |= {f"index {index['IndexName']} status": index.get("IndexStatus", "?") for index in _indexes(found)}
    console = Console(json)
    console.record({name.replace(" ", "_"): fact for name, fact in facts.items()})
    console.table(["", ""], facts.items())


@app.command("drop", epilog=examples("drop cruddur-messages", "drop cruddur-messages --yes"))
async def drop(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Delete a table and everything in it, for good.

    Asks for the table's name again. Refuses a table with deletion protection, which has to be switched off before.
    """
    settings = read_settings(TableSettings)
    async with open_table(settings, name=table) as opened:
        found = await opened.describe()
        if found is None:
            raise Failure(f"There is no table {table} here: `cruddur list-tables` lists the existing ones.")
        if found.get("DeletionProtectionEnabled"):
            raise Failure(f"{table} is protected from deletion, so it stays.", Code.REFUSED)
        require_consent(settings, f"delete {table} and everything in it", word=table, yes=yes, production=production)
        await opened.drop()
    Console().say(f"{table}: deleted")
