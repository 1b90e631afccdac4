"""The command import-bootcamp: the boot camp's table and users become logs, inbox rows and users of this service."""

from contextlib import aclosing, closing
from typing import Annotated, Final

import typer

from app.cli.bootcamp.archive import Archive
from app.cli.bootcamp.merge import Merge
from app.cli.bootcamp.people import People, old_users
from app.cli.bootcamp.report import Report
from app.cli.bootcamp.source import Unusable, Zone, read_item
from app.cli.capacity.cost import cost
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.services import open_services, require_own_table
from app.cli.target import require_consent_off_this_machine
from app.gateways.dynamodb.operator import OperatedTable, open_operated_table
from app.settings import StoreSettings, changed_settings, read_settings
from migrations.dynamodb_table import INDEX

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SHOWN: Final = 20


@app.command(
    "import-bootcamp",
    epilog=examples(
        "import-bootcamp old-messages --timezone Europe/Berlin",
        "import-bootcamp old-messages --timezone UTC --apply",
        "import-bootcamp old-messages --timezone UTC --apply --old-database postgresql://…",
        "import-bootcamp old-messages --timezone UTC --json > report.jsonl",
    ),
)
async def import_bootcamp(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The boot camp's table; it is only read.")],
    timezone: Annotated[
        str | None,
        typer.Option(help="Zone of the times that have none: that of the server, as Europe/Berlin or +01:00."),
    ] = None,
    old_database: Annotated[
        str | None,
        typer.Option(envvar="OLD_DATABASE_URL", show_envvar=True, help="The boot camp's database, for its users."),
    ] = None,
    match_handles: Annotated[
        bool, typer.Option("--match-handles", help="Take a person without a user for the user with the same handle.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write; without it nothing is written.")] = False,
    every: Annotated[bool, typer.Option("--all", help=f"List all, not only the first {SHOWN}.")] = False,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Bring messages of the boot camp's table over, and the users that they name.

    Nothing is written without --apply. All groups of two users become their one direct group, in the order of time;
    the list says which old group is in which new one. A message is known by its uuid, so the command may be given
    again: it goes on after an interruption, and takes what is new. What is brought over counts as read. A message
    that is older than the end of its log gets the time of that end.

    A person is the user with the same uuid. People without a user get one, by the names in the old database or in
    the table, with a subject that update-cognito-user-ids replaces. The exit code is 1 if anything is left behind.
    """
    console, settings, zone = Console(json), read_settings(StoreSettings), Zone.of(timezone)
    if table == settings.dynamodb_table:
        raise Failure(
            f"{table} is the service's own table, by DYNAMODB_TABLE: name another one there, as the old table stays.",
            Code.USAGE,
        )
    with closing(Archive()) as archive:
        async with open_services(settings) as services:
            await require_own_table(services.table)
            await _read_table(console, settings, table, zone, archive)
            if old_database:
                old = changed_settings(settings, database_url=old_database)
                console.note("Source: the users of the old database, which are only read")
                async with aclosing(old_users(old)) as found:
                    async for person in found:
                        archive.add_person(person)
            people = People(archive, services.user_store, match_handles=match_handles)
            await people.decide()
            archive.pair_up()
            merge = Merge(archive, services)
            await merge.compare()
            report = Report(console, archive, limit=None if every else SHOWN)
            report.show()
            if apply:
                require_consent_off_this_machine(settings, report.action, yes=yes, production=production)
                await people.create()
                with console.progress("Messages", total=report.missing) as advance:
                    await merge.write(advance)
                console.note(cost(services.table.consumed))
            report.end(merge if apply else None)


async def _read_table(console: Console, settings: StoreSettings, name: str, zone: Zone, archive: Archive) -> None:
    """Add all items of the old table to the archive: 0.5 RCU for each 4 KB."""
    async with open_operated_table(changed_settings(settings, dynamodb_table=name)) as table:
        console.note(f"Source: table {name}, which is only read")
        with console.progress("Items", total=await _require_old_table(table)) as advance:
            async for page in table.scan():
                for item in page:
                    try:
                        archive.add(read_item(item, zone))
                    except Unusable as reason:
                        archive.leave(f"{item['pk']['S']} {item['sk']['S']}", str(reason))
                advance(len(page))


async def _require_old_table(table: OperatedTable) -> int | None:
    """Return about how many items the table has, or raise a Failure if it is not of the boot camp's kind."""
    found = await table.describe()
    if found is None:
        raise Failure(f"There is no table {table.name} here: `cruddur list-tables` lists the existing ones.")
    types = {each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]}
    keys = [(key["AttributeName"], types[key["AttributeName"]]) for key in found["KeySchema"]]
    indexes = [index["IndexName"] for index in found.get("GlobalSecondaryIndexes", ())]
    if keys != [("pk", "S"), ("sk", "S")] or INDEX in indexes:
        raise Failure(f"{table.name} is not a table of the boot camp's kind: that has the keys pk and sk.", Code.USAGE)
    return found.get("ItemCount") or None
