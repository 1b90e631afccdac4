"""migrate, rollback, migrations: on a database of the test's own."""

import pytest

from tests.cli.conftest import Place


@pytest.fixture
def fresh(engines: Place, empty_database_url: str) -> Place:
    return Place({**engines.environment, "DATABASE_URL": empty_database_url})


async def test_the_schema_migrates_up_and_down_again(fresh: Place) -> None:
    [*before] = (await fresh.done("migrations", "--json")).records
    assert not any(version["applied"] for version in before)
    assert (await fresh.run("rollback", "--yes")).code == 1, "there is nothing to take back"
    applied = (await fresh.done("migrate", "--json")).records
    assert [version["revision"] for version in applied] == [version["revision"] for version in before]
    assert (await fresh.done("migrate")).out == "The schema is up to date.\n"
    assert "to do" not in (await fresh.done("migrations")).out
    newest = before[-1]["revision"]
    assert (await fresh.run("rollback", typed="no\n")).code == 4
    ended = await fresh.run("rollback", typed=f"{newest}\n")
    assert ended.code == 0
    assert f"{newest} " in ended.out
    assert "taken back" in ended.out


async def test_a_rollback_off_this_machine_needs_consent(fresh: Place) -> None:
    await fresh.done("migrate")
    url = fresh.environment["DATABASE_URL"]
    ended = await fresh.run("rollback", "--yes", ENVIRONMENT="production", DATABASE_URL=url)
    assert ended.code == 4
    assert (await fresh.done("migrations", "--json")).records[-1]["applied"]
