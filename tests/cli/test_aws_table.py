"""The table at AWS, as an emulator plays it: protections, consent, units, and commands without STS."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.conftest import Place
from tests.fixtures.emulator import AwsEmulator


@pytest.fixture
def production(emulator: AwsEmulator) -> Place:
    """A table that is not there."""
    return Place(
        {
            **emulator.environment,
            "ENVIRONMENT": "production",
            "DYNAMODB_ENDPOINT_URL": emulator.url,
            "DYNAMODB_TABLE": f"test-{uuid4()}",
            "INSECURE_ALLOWED": "DYNAMODB_ENDPOINT_URL",
        }
    )


def recovery(emulator: AwsEmulator, place: Place, *, is_on: bool) -> None:
    specification = {"PointInTimeRecoveryEnabled": is_on}
    emulator.client("dynamodb").update_continuous_backups(
        TableName=place.table_name, PointInTimeRecoverySpecification=specification
    )


async def test_a_table_off_this_machine_is_created_on_confirmation_only(production: Place) -> None:
    for typed in ("", "yes\n"):
        ended = await production.run("schema-load", typed=typed)
        assert ended.code == 4
        assert "nothing was done" in ended.complaint
    assert (await production.run("describe")).code == 1
    assert (await production.run("schema-load", typed=f"{production.table_name}\n")).code == 0
    assert "as it should be" in (await production.done("schema-load")).out


async def test_recovery_is_switched_on_as_soon_as_aws_allows_it(emulator: AwsEmulator, production: Place) -> None:
    emulator.fault("UpdateContinuousBackups", "ContinuousBackupsUnavailableException", times=3)
    before = emulator.calls("UpdateContinuousBackups")
    await production.done("schema-load", "--yes")
    assert emulator.calls("UpdateContinuousBackups") - before == 4
    [told] = (await production.done("describe", "--json")).records
    assert (told["point-in-time_recovery"], told["deletion_protection"]) == ("on", "on")


async def test_a_production_table_without_recovery_is_a_difference(emulator: AwsEmulator, production: Place) -> None:
    await production.done("schema-load", "--yes")
    recovery(emulator, production, is_on=False)
    ended = await production.run("schema-load")
    assert ended.code == 1
    assert "point-in-time recovery is off, should be on" in ended.out
    assert "point-in-time recovery is off, should be on" in (await production.run("doctor")).out
    recovery(emulator, production, is_on=True)
    await production.done("schema-load")


async def test_recovery_that_may_not_be_asked_for_is_unknown(emulator: AwsEmulator, production: Place) -> None:
    await production.done("schema-load", "--yes")
    emulator.fault("DescribeContinuousBackups", "AccessDeniedException", times=2)
    [told] = (await production.done("describe", "--json")).records
    assert told["point-in-time_recovery"] == "unknown"
    await production.done("schema-load")


async def test_units_that_were_changed_on_purpose_are_no_difference(production: Place) -> None:
    provisioned: dict[str, Any] = {"DYNAMODB_BILLING_MODE": "PROVISIONED"}
    await production.done("schema-load", "--yes", **provisioned)
    ended = await production.done("schema-load", "--json", **provisioned, DYNAMODB_WRITE_UNITS="25")
    [told] = ended.records
    assert told["differences"] == []
    assert told["notes"] == ["table units are 5 read, 5 write; the settings, for a new table, say 5 read, 25 write"]
    ended = await production.run("doctor", **provisioned, DYNAMODB_WRITE_UNITS="25")
    assert "is as the settings say" in ended.out


async def test_no_command_needs_sts(emulator: AwsEmulator, production: Place) -> None:
    at_aws = Place({**production.environment, "DYNAMODB_ENDPOINT_URL": ""})
    for code, words in (("AccessDenied", "AWS account unknown"), ("", "AWS account 123456789012")):
        if code:
            emulator.fault("GetCallerIdentity", code)
        assert words in (await at_aws.done("list-tables")).err


async def test_the_region_of_the_profile_counts(production: Place, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[profile work]\nregion = eu-central-1\n")
    at_aws = Place({**production.environment, "DYNAMODB_ENDPOINT_URL": "", "AWS_CONFIG_FILE": str(file)})
    for variables, region in (
        ({"AWS_PROFILE": "work"}, "eu-central-1"),
        ({"AWS_PROFILE": "work", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
        ({"AWS_PROFILE": "work", "AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ({}, "us-east-1"),
    ):
        assert f"region {region}, table" in (await at_aws.done("list-tables", **variables)).err
