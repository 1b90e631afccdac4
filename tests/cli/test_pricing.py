"""The formulae against the data model's table, which tests/messaging/test_capacity.py measures, and sums by hand."""

import asyncio
import math
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.cli.capacity.pricing import Prices, Workload, most_of_account, plan, provision
from app.cli.capacity.units import (
    CHANGE_BYTES,
    NEW_BUCKET,
    Units,
    change,
    first_contact,
    history_page,
    inbox_page,
    read_units,
    send,
    write_units,
)
from app.gateways.dynamodb import marshal_item
from app.messaging.change_items import change_item
from app.messaging.models import Change, ChangeType
from tests.tools.capacity_rules import item_size
from tests.tools.command import cruddur

QUIET = Workload(users=86_400, messages=0, inbox_pages=0, history_pages=0, changes=0, deliveries=0, first_contacts=0)
"""So many users that once a day for each is once a second for all."""


def test_each_operation_takes_what_the_data_model_says() -> None:
    assert send(100) == Units(write=3, read=1)
    assert send(100) + NEW_BUCKET == Units(write=3, index_write=4, read=1)
    assert change(100) == Units(write=4, read=2)
    assert first_contact(100) == Units(write=8, index_write=2, read=1)
    assert [inbox_page(groups).read for groups in (20, 50, 100)] == [1, 2, 4]
    assert history_page(100) == Units(read=1 + 1.5)


@pytest.mark.parametrize(("size", "writes", "reads"), [(0, 1, 0.5), (1024, 1, 0.5), (1025, 2, 0.5), (4097, 5, 1)])
def test_units_are_rounded_up_as_amazon_does(size: int, writes: int, reads: float) -> None:
    assert (write_units(size), read_units(size), read_units(size, consistent=True)) == (writes, reads, 2 * reads)


def test_a_long_text_takes_more_of_the_log_only() -> None:
    assert send(1_000) == Units(write=2 + 2, read=1)
    assert change(1_000) == Units(write=1 + 2 + 2, read=2)


def test_the_entry_of_a_reaction_has_the_size_that_is_planned_with() -> None:
    at, group, user = datetime(2026, 11, 24, tzinfo=UTC), uuid4(), uuid4()
    item = change_item(Change(group, 1, uuid4(), user, at, ChangeType.REACT, 10, emoji="👍"))
    assert item_size(marshal_item(item)) == pytest.approx(CHANGE_BYTES, abs=10)


@pytest.mark.parametrize(
    ("does", "units"),
    [
        ({"messages": 1, "new_bucket_share": 0, "compared_share": 0}, Units(write=3, read=1)),
        ({"messages": 1, "new_bucket_share": 1, "compared_share": 1}, Units(write=3, index_write=4, read=2)),
        ({"messages": 1, "first_contacts": 1}, Units(write=8, index_write=2, read=1)),
        ({"changes": 1}, Units(write=4, read=2)),
        ({"deliveries": 1}, Units(write=1, read=0.5)),
        ({"inbox_pages": 1}, Units(read=1)),
        ({"history_pages": 1}, Units(write=1, read=3)),
    ],
)
def test_a_day_of_one_operation_for_each_is_one_a_second_for_all(does: dict[str, Any], units: Units) -> None:
    assert replace(QUIET, **does).average() == units


@pytest.mark.parametrize(
    ("does", "units"),
    [
        ({"messages": 1, "compared_share": 0, "mentions": 0, "new_bucket_share": 0}, Units(write=3, read=2)),
        ({"messages": 1, "compared_share": 0, "mentions": 2, "new_bucket_share": 0}, Units(write=5, read=2)),
        ({"messages": 1, "compared_share": 0, "mentions": 0}, Units(write=3 + 12, index_write=22, read=2 + 2)),
        ({"messages": 1, "compared_share": 0, "mentions": 0, "group_size": 100}, Units(105, 202, 2 + 1 + 3)),
        ({"history_pages": 1}, Units(write=1, read=3 + 3.5)),
        ({"deliveries": 1}, Units(write=1, read=3)),
        ({"inbox_pages": 1, "groups": 20}, Units(read=1 + 10)),
    ],
)
def test_what_groups_of_several_take(does: dict[str, Any], units: Units) -> None:
    """The rows of members are told once in ten minutes: 3 write units for each and 4."""
    of_groups = replace(QUIET, group_share=1, **{"new_bucket_share": 1, **does})
    assert of_groups.average() == units
    half = replace(of_groups, group_share=0.5).average()
    direct = replace(of_groups, group_share=0).average()
    assert half.all_writes == pytest.approx((of_groups.average().all_writes + direct.all_writes) / 2)
    assert half.read == pytest.approx((of_groups.average().read + direct.read) / 2)


def test_a_month_on_demand_and_provisioned_by_hand() -> None:
    planned = plan(replace(QUIET, messages=1, new_bucket_share=0, compared_share=0, peak=2), Prices(), utilisation=0.5)
    seconds = 730 * 3600
    assert planned.on_demand == pytest.approx(seconds * (3 * 0.625 + 1 * 0.125) / 1e6)
    provisioned = planned.provisioned
    assert (provisioned.write, provisioned.read, provisioned.index_write, provisioned.index_read) == (12, 4, 1, 1)
    assert planned.fixed == pytest.approx(730 * (13 * 0.00065 + 5 * 0.00013))
    assert planned.scaled == pytest.approx(730 * (7 * 0.00065 + 3 * 0.00013))


def test_storage_grows_by_messages_and_costs_beyond_what_is_free() -> None:
    workload = replace(QUIET, messages=1, groups=0)
    planned = plan(workload, Prices(free_gb=0, backup_gb=0), months=12)
    gigabytes = 86_400 * 365 * (108 + 100 + 100) / 1e9
    assert planned.month_gb == pytest.approx(gigabytes / 12)
    assert planned.stored_gb == pytest.approx(gigabytes)
    assert planned.storage == pytest.approx(gigabytes * 0.25)
    assert Prices().storage_month(25) == pytest.approx(25 * 0.20)


def test_steady_load_is_cheaper_provisioned_and_a_short_peak_on_demand() -> None:
    steady, spiky = (plan(replace(QUIET, messages=10, peak=peak), Prices()) for peak in (1, 10))
    assert (steady.recommendation, spiky.recommendation) == ("PROVISIONED", "PAY_PER_REQUEST")


def test_provisioning_has_room_and_never_less_than_one() -> None:
    assert asdict(provision(Units(write=7, read=0.1), utilisation=0.7)) == {
        "write": 10,
        "read": 1,
        "index_write": 1,
        "index_read": 1,
    }


@pytest.mark.parametrize(
    ("hot", "words"),
    [
        ({"busiest_group": 31}, "the busiest group has 31 messages/s; the service can do 30 in one"),
        ({"busiest_user": 1_001}, "the busiest user's inbox would take 1,001 WCU; one partition has 1,000"),
        ({"busiest_user": 700, "groups": 100}, "the busiest user's inbox would take 3,500 RCU"),
        ({"busiest_group": 501, "text_bytes": 2_000}, "the busiest group's log would take 1,503 WCU"),
    ],
)
def test_hot_keys_are_named(hot: dict[str, Any], words: str) -> None:
    warnings = plan(replace(QUIET, **hot), Prices()).warnings
    assert any(words in warning for warning in warnings), warnings


def test_no_key_is_hot_at_the_limits() -> None:
    assert not plan(replace(QUIET, busiest_group=30, busiest_user=1_000), Prices()).warnings


async def test_the_plan_is_shown_as_tables() -> None:
    ended = await cruddur("capacity", "plan", "--users", "5000", "--messages-per-day", "20", env={})
    assert (ended.code, ended.err) == (0, "")
    assert "Cheaper: on demand." in ended.out
    assert "Prices are assumptions: us-east-1" in ended.out


async def test_the_plan_takes_other_prices_and_prints_json() -> None:
    arguments = ["capacity", "plan", "--users", "5000", "--messages-per-day", "20", "--busiest-group", "40", "--json"]
    dearer = ("--price", "million-writes=6.25", "--price", "million-reads=1.25")
    told = await asyncio.gather(cruddur(*arguments, env={}), cruddur(*arguments, *dearer, env={}))
    usual, dear = (ended.records[0] for ended in told)
    assert math.isclose(dear["on_demand"], 10 * usual["on_demand"])
    assert (usual["recommendation"], dear["recommendation"]) == ("PAY_PER_REQUEST", "PROVISIONED")
    assert len(usual["warnings"]) == 1


WRONG = {
    "Missing option '--messages-per-day'": ["--users", "5"],
    "Invalid value for '--users'": ["--users", "0", "--messages-per-day", "1"],
    "There is no price called gold": ["--users", "1", "--messages-per-day", "1", "--price", "gold=1"],
    "write NAME=DOLLARS": ["--users", "1", "--messages-per-day", "1", "--price", "read-hour=nan"],
}


async def test_wrong_options_are_one_line() -> None:
    runs = (cruddur("capacity", "plan", *arguments, env={}) for arguments in WRONG.values())
    for words, ended in zip(WRONG, await asyncio.gather(*runs), strict=True):
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1), ended
        assert words in ended.err


def test_the_most_that_an_account_can_cost_is_the_sum_of_its_budgets() -> None:
    """A month of 730 hours has 2,628,000 s."""
    most = most_of_account(Prices())
    writes, reads, gigabytes = 400 + 4 * 2_628_000, 2_000 + 5 * 2_628_000, 2 * (100e6 + 50e3 * 2_628_000) / 1e9
    assert most.requests == pytest.approx((writes * 0.625 + reads * 0.125) / 1e6)
    assert most.traffic == pytest.approx(gigabytes * 0.09)
    assert most.storage == pytest.approx(writes * 1124 / 1e9 * 0.45)
    assert round(most.total, 2) == 37.2
