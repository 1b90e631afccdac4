"""capacity report, set and autoscale, against an emulated DynamoDB, CloudWatch and Application Auto Scaling.

What an emulator cannot show stands in tests/tools/aws_emulator.py. Here that means: the requests are right as botocore
and moto understand them, and what they change is shown; whether units bound a table, whether alarms move them, how long
a change takes and which changes AWS refuses is not.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.cli.capacity.throughput import step_of
from app.cli.capacity.views import sparkline
from app.settings import TableSettings
from migrations.dynamodb_table import INDEX, table_definition
from tests.fixtures.emulator import AwsEmulator
from tests.tools.command import Ended, cruddur

NOWHERE = "http://127.0.0.1:9"


@dataclass
class Place:
    """A table with provisioned units, and a command line that knows it."""

    emulator: AwsEmulator
    table: str

    @property
    def environment(self) -> dict[str, str]:
        engine = {"ENVIRONMENT": "test", "DYNAMODB_ENDPOINT_URL": self.emulator.url, "DYNAMODB_TABLE": self.table}
        return self.emulator.environment | engine | {"INSECURE_ALLOWED": "DYNAMODB_ENDPOINT_URL"}

    async def run(self, *arguments: str, typed: str = "", **env: str) -> Ended:
        return await cruddur("capacity", *arguments, env=self.environment | env, typed=typed)

    def units(self) -> dict[str, Any]:
        """Return the emulator's units of table and index, and the billing mode."""
        told = self.emulator.client("dynamodb").describe_table(TableName=self.table)["Table"]
        found = {"table": told, "index": told["GlobalSecondaryIndexes"][0]}
        units = {name: each["ProvisionedThroughput"] for name, each in found.items()}
        return {
            "mode": told.get("BillingModeSummary", {}).get("BillingMode"),
            **{name: (each["ReadCapacityUnits"], each["WriteCapacityUnits"]) for name, each in units.items()},
        }

    def used(self, metric: str, values: list[float], *, index: str = "") -> None:
        """In the minutes up to now, oldest first."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        start = now - timedelta(minutes=len(values))
        self.emulator.metrics(self.table, metric, values, index=index, start=start.isoformat(), step=60)


@pytest.fixture
def place(emulator: AwsEmulator) -> Place:
    settings = TableSettings(
        environment="test",
        dynamodb_table=f"test-{uuid4().hex}",
        dynamodb_billing_mode="PROVISIONED",
        dynamodb_read_units=10,
        dynamodb_write_units=20,
        dynamodb_index_read_units=1,
        dynamodb_index_write_units=5,
    )
    emulator.client("dynamodb").create_table(**table_definition(settings))
    return Place(emulator, settings.dynamodb_table)


async def test_a_report_of_an_unused_table_shows_its_units(place: Place) -> None:
    ended = await place.run("report")
    assert ended.code == 0, ended
    assert [line.split("  ")[0] for line in ended.out.splitlines()[1:]] == [
        "table, read",
        "table, write",
        f"index {INDEX}, read",
        f"index {INDEX}, write",
    ]
    assert ended.out.splitlines()[1].split()[2:] == ["provisioned", "10", "0.00", "0.00", "0"]
    assert f"Target: local engine {place.emulator.url}, table {place.table}" in ended.err


async def test_a_report_shows_what_was_used_and_throttled(place: Place) -> None:
    place.used("ConsumedWriteCapacityUnits", [0, 60, 600, 1200])
    place.used("WriteThrottleEvents", [0, 0, 0, 7])
    place.used("ConsumedWriteCapacityUnits", [30, 0, 0, 0], index=INDEX)
    runs = (place.run("report", "--hours", "0.5", *flags) for flags in (["--json"], []))
    ended, shown = await asyncio.gather(*runs)
    assert ended.code == 0, ended
    table, index = ended.records
    assert (table["name"], table["write"], index["name"], index["write"]) == ("table", 20, f"index {INDEX}", 5)
    usage = table["write_usage"]
    assert (usage["peak"], usage["throttled"], sum(usage["consumed"])) == (20, 7, 1860)
    assert usage["average"] == pytest.approx(1860 / (60 * len(usage["consumed"])))
    assert index["write_usage"]["peak"] == 0.5
    assert table["read_usage"]["peak"] == 0
    (row,) = (line for line in shown.out.splitlines() if line.startswith("table, write"))
    assert row.split()[2:7] == ["provisioned", "20", f"{usage['average']:.2f}", "20.00", "7"]
    assert "▁▄█" in row


async def test_a_report_of_a_local_engine_does_not_ask_amazon(place: Place) -> None:
    ended = await place.run("report", AWS_ENDPOINT_URL="")
    assert ended.code == 0, ended
    assert "CloudWatch has no metrics of a local engine" in ended.err
    assert "table, write" in ended.out


async def test_a_local_engine_is_not_scaled_by_amazon(place: Place) -> None:
    ended = await place.run("autoscale", "--min", "1", "--max", "2", AWS_ENDPOINT_URL="")
    assert (ended.code, ended.complaint) == (1, "cruddur: A local engine is not scaled: this is for a table at AWS")


async def test_a_report_is_drawn(place: Place, tmp_path: Path) -> None:
    place.used("ConsumedReadCapacityUnits", [60, 120, 60])
    place.used("ProvisionedReadCapacityUnits", [10, 10, 10])
    file = tmp_path / "usage.png"
    ended = await place.run("report", "--png", str(file))
    assert ended.code == 0, ended
    png = file.read_bytes()
    assert png.startswith(b"\x89PNG")
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert width > 1_500
    assert height > 700


async def test_drawing_without_the_extra_says_how_to_get_it(place: Place, tmp_path: Path) -> None:
    (tmp_path / "vl_convert.py").write_text("raise ImportError")
    ended = await place.run("report", "--png", str(tmp_path / "usage.png"), PYTHONPATH=str(tmp_path))
    assert (ended.code, ended.complaint) == (
        2,
        "cruddur: Drawing needs an extra: pip install 'cruddur-messages[plot]'",
    )


async def test_set_changes_what_is_named_and_nothing_else(place: Place) -> None:
    ended = await place.run("set", "--write", "40", "--index-write", "8")
    assert ended.code == 0, ended
    assert "10 RCU, 20 WCU  10 RCU, 40 WCU" in ended.out
    assert place.units() == {"mode": "PROVISIONED", "table": (10, 40), "index": (1, 8)}
    again = await place.run("set", "--write", "40", "--json")
    assert [record["changed"] for record in again.records] == [False, False]


async def test_set_on_demand_and_back(place: Place) -> None:
    assert (await place.run("set", "--on-demand")).code == 0
    assert place.units()["mode"] == "PAY_PER_REQUEST"
    assert "table, read" in (shown := await place.run("report")).out
    assert "on demand" in shown.out
    half = await place.run("set", "--read", "3", "--write", "4")
    assert (half.code, "name all of --read" in half.complaint) == (2, True), half
    whole = await place.run("set", "--read", "3", "--write", "4", "--index-read", "5", "--index-write", "6")
    assert whole.code == 0, whole
    assert place.units() == {"mode": "PROVISIONED", "table": (3, 4), "index": (5, 6)}


WRONG = [
    ["set"],
    ["set", "--read", "0"],
    ["set", "--read", "5", "--on-demand"],
    ["autoscale", "--min", "5"],
    ["autoscale", "--min", "5", "--max", "4"],
    ["autoscale", "--remove", "--min", "1", "--max", "2"],
    ["report", "--hours", "0"],
]


async def test_wrong_options_are_one_line(place: Place) -> None:
    for ended in await asyncio.gather(*(place.run(*arguments) for arguments in WRONG)):
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1), ended


async def test_autoscaling_is_for_table_and_index_separately(place: Place) -> None:
    both = await place.run("autoscale", "--min", "5", "--max", "100")
    assert both.code == 0, both
    arguments = ["--of", "index", "--units", "write", "--min", "2", "--max", "9", "--target", "50", "--json"]
    assert [tuple(record.values()) for record in (await place.run("autoscale", *arguments)).records] == [
        ("", "Read", 5, 100, 70.0),
        ("", "Write", 5, 100, 70.0),
        (INDEX, "Read", 5, 100, 70.0),
        (INDEX, "Write", 2, 9, 50.0),
    ]
    removed = await place.run("autoscale", "--of", "table", "--remove")
    assert [line.split()[0] for line in removed.out.splitlines()[1:]] == ["index", "index"], removed
    gone = await place.run("autoscale", "--remove")
    assert (gone.code, "Nothing is scaled." in gone.out) == (0, True)


async def test_a_table_on_demand_cannot_be_scaled(place: Place) -> None:
    place.emulator.client("dynamodb").update_table(TableName=place.table, BillingMode="PAY_PER_REQUEST")
    ended = await place.run("autoscale", "--min", "5", "--max", "100")
    assert (ended.code, "The table is on demand" in ended.complaint) == (1, True), ended


@pytest.mark.parametrize(
    ("flags", "typed", "code"), [([], "", 4), (["--production"], "no\n", 4), (["--production", "--yes"], "", 0)]
)
async def test_a_change_off_this_machine_needs_consent(
    place: Place, flags: Iterable[str], typed: str, code: int
) -> None:
    ended = await place.run("set", "--read", "11", *flags, typed=typed, ENVIRONMENT="production")
    assert ended.code == code, ended
    assert "10 RCU, 20 WCU  11 RCU, 20 WCU" in ended.out
    assert place.units()["table"] == ((10, 20) if code else (11, 20))


async def test_a_missing_table_is_exit_code_1(place: Place) -> None:
    ended = await place.run("report", DYNAMODB_TABLE="nowhere")
    assert (ended.code, ended.complaint) == (
        1,
        "cruddur: There is no table nowhere: `cruddur schema-load` creates it",
    )


@pytest.mark.parametrize(
    ("operation", "arguments", "permission"),
    [
        ("DescribeTable", ["report"], "dynamodb:DescribeTable"),
        ("GetMetricData", ["report"], "cloudwatch:GetMetricData"),
        (
            "RegisterScalableTarget",
            ["autoscale", "--min", "1", "--max", "2"],
            "application-autoscaling:RegisterScalableTarget",
        ),
    ],
)
async def test_a_missing_permission_is_named(
    place: Place, operation: str, arguments: list[str], permission: str
) -> None:
    place.emulator.fault(operation, "AccessDeniedException")
    ended = await place.run(*arguments)
    assert (ended.code, f"needs the permission {permission}" in ended.complaint) == (3, True), ended


async def test_throttling_slows_down_and_does_not_fail(place: Place) -> None:
    place.emulator.fault("UpdateTable", "ThrottlingException", times=2)
    assert (await place.run("set", "--read", "12")).code == 0
    assert place.units()["table"] == (12, 20)


async def test_an_unavailable_service_is_exit_code_3(place: Place) -> None:
    runs = (place.run("report", **{name: NOWHERE}) for name in ("DYNAMODB_ENDPOINT_URL", "AWS_ENDPOINT_URL"))
    for ended in await asyncio.gather(*runs):
        assert (ended.code, "does not answer" in ended.complaint) == (3, True), ended


async def test_help_has_examples() -> None:
    commands: list[list[str]] = [[], ["plan"], ["report"], ["set"], ["autoscale"]]
    for ended in await asyncio.gather(*(cruddur("capacity", *command, "--help", env={}) for command in commands)):
        assert (ended.code, "Examples:\n    cruddur capacity" in ended.out) == (0, True), ended


def test_a_bar_for_each_value() -> None:
    assert sparkline([0, 0.001, 4, 8, 16], top=8) == " ▁▄██"
    assert sparkline([0, 0], top=0) == "  "


@pytest.mark.parametrize(
    ("days", "step"), [(0.01, 60), (0.125, 180), (1, 1_440), (14.9, 21_480), (16, 23_100), (64, 93_600), (455, 655_200)]
)
def test_steps_are_some_that_cloudwatch_keeps(days: float, step: int) -> None:
    span = timedelta(days=days)
    assert step_of(span, age=span) == step
