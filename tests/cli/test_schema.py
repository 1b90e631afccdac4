"""schema-load, list-tables, describe, drop: on a real engine."""

from migrations.dynamodb_table import TTL_ATTRIBUTE, table_definition
from tests.cli.conftest import Place
from tests.tools.bootcamp_table import create_old_table


async def test_the_table_is_made_once_and_then_compared(engines: Place) -> None:
    place = engines.elsewhere()
    ended = await place.done("schema-load")
    assert ended.out == f"{place.table_name}: created\n"
    ended = await place.done("schema-load")
    assert ended.out == f"{place.table_name}: is there, as it should be\n"
    ended = await place.done("list-tables", "--json")
    assert {"table": place.table_name} in ended.records


async def test_differences_are_listed_and_nothing_is_changed(empty: Place) -> None:
    wanted = {"DYNAMODB_BILLING_MODE": "PROVISIONED", "DYNAMODB_INDEX_WRITE_UNITS": "9"}
    ended = await empty.run("schema-load", "--json", **wanted)
    assert ended.code == 1
    [told] = ended.records
    assert told["differences"] == [
        "billing mode is PAY_PER_REQUEST, should be PROVISIONED",
    ]
    assert (await empty.done("schema-load")).out.endswith("as it should be\n")


async def test_a_table_of_another_shape_is_described_and_differs(engines: Place) -> None:
    place = engines.elsewhere()
    async with place.table() as table:
        await table._client.create_table(  # noqa: SLF001  # only a test makes wrong tables
            TableName=place.table_name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    ended = await place.run("schema-load")
    assert ended.code == 1
    assert f"{place.table_name}: key is id S, should be pk S, sk S\n" in ended.out
    assert f"{place.table_name}: expiry is off, should be expires_at\n" in ended.out
    [told] = (await place.done("describe", "--json")).records
    assert (told["table"], told["key"], told["status"]) == (place.table_name, "id S", "ACTIVE")
    assert (await place.run("doctor")).code == 1


async def test_a_missing_table_is_named(engines: Place) -> None:
    place = engines.elsewhere()
    for command in (["describe"], ["drop", place.table_name, "--yes"]):
        ended = await place.run(*command)
        assert (ended.code, ended.out) == (1, "")
    ended = await place.run("scan")
    assert ended.code == 3
    assert "`cruddur schema-load` creates it" in ended.complaint


async def test_dropping_asks_for_the_name(empty: Place) -> None:
    ended = await empty.run("drop", empty.table_name, typed="yes\n")
    assert ended.code == 4
    assert "nothing was done" in ended.complaint
    assert (await empty.run("drop", empty.table_name, typed="")).code == 4
    ended = await empty.run("drop", empty.table_name, typed=f"{empty.table_name}\n")
    assert ended.code == 0
    assert (await empty.run("describe")).code == 1


async def test_a_drop_off_this_machine_needs_consent(empty: Place) -> None:
    ended = await empty.run("drop", empty.table_name, "--yes", ENVIRONMENT="production")
    assert ended.code == 4
    assert "--production" in ended.complaint
    assert (await empty.run("drop", empty.table_name, "--production", ENVIRONMENT="production", typed="y\n")).code == 4
    await empty.done("describe")
    ended = await empty.run("drop", empty.table_name, "--production", "--yes", ENVIRONMENT="production")
    assert ended.code == 0


async def test_a_protected_table_stays(engines: Place) -> None:
    place = engines.elsewhere()
    definition = table_definition(place.settings) | {"DeletionProtectionEnabled": True}
    async with place.table() as table:
        await table.create(definition, ttl_attribute=TTL_ATTRIBUTE)
    ended = await place.run("drop", place.table_name, "--yes", "--production", ENVIRONMENT="production")
    assert ended.code == 4
    assert "protected" in ended.complaint
    await place.done("describe")


async def test_an_impossible_table_name_is_refused(engines: Place) -> None:
    ended = await engines.run("drop", "x", "--yes")
    assert ended.code == 2
    assert "DYNAMODB_TABLE" in ended.complaint


FOREIGN = [
    "verify",
    "list-conversations juniper",
    "get-conversation juniper osman",
    "seed",
    "import-bootcamp other-messages",
]


async def test_a_table_of_something_else_is_named_and_not_written_to(engines: Place, stock: Place) -> None:
    """The boot camp's table has the service's default name, and the same keys."""
    place = Place({**stock.environment, "DYNAMODB_TABLE": engines.elsewhere().table_name})
    async with place.table() as table:
        await create_old_table(table)
        runs = [await place.run(*command.split()) for command in FOREIGN]
        assert [page async for page in table.scan()] == [[]]
    for command, ended in zip(FOREIGN, runs, strict=True):
        assert ended.code == 1, (command, ended)
        assert "is not a table of this service" in ended.complaint


async def test_a_command_on_data_names_a_missing_table(stock: Place, engines: Place) -> None:
    place = Place({**stock.environment, "DYNAMODB_TABLE": engines.elsewhere().table_name})
    for command in ("verify", "seed"):
        ended = await place.run(command)
        assert (ended.code, "`cruddur schema-load` creates it" in ended.complaint) == (1, True), ended
