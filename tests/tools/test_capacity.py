"""The meter against hand-computed examples, and against the engine's own figures where those can be believed."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import aioboto3
import pytest
import pytest_asyncio
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Unavailable
from app.gateways.dynamodb import Check, ConditionFailed, Put, Query, Table, TransactionRejected, Update, marshal_item
from tests.tools.capacity import Meter
from tests.tools.capacity_rules import item_size, number_size, read_units, value_size, write_units

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

NAME = "capacity-meter"
KEYS_ONLY, WITH_TEXT = "inbox-by-activity", "inbox-with-text"
FRAME = len("pk") + 36 + len("sk") + 3 + len("text")
"""Bytes of an item of `sized` without its text."""


def _index(name: str, projection: dict[str, Any]) -> dict[str, Any]:
    keys = [{"AttributeName": "inbox", "KeyType": "HASH"}, {"AttributeName": "bucket", "KeyType": "RANGE"}]
    return {"IndexName": name, "KeySchema": keys, "Projection": projection}


def _definition(name: str, *indexes: dict[str, Any]) -> Any:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "N" if name == "bucket" else "S"}
            for name in ("pk", "sk", "inbox", "bucket")
        ],
        "GlobalSecondaryIndexes": list(indexes),
    }


@pytest_asyncio.fixture(scope="module")
async def client(dynamodb_url: str) -> "AsyncIterator[DynamoDBClient]":
    session = aioboto3.Session("local", "local", region_name="us-east-1")
    async with session.client("dynamodb", endpoint_url=dynamodb_url) as client:
        await client.create_table(**_definition(NAME, _index(KEYS_ONLY, {"ProjectionType": "KEYS_ONLY"})))
        text = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["text"]}
        await client.create_table(**_definition(f"{NAME}-2", _index(WITH_TEXT, text)))
        yield client
        await client.delete_table(TableName=NAME)
        await client.delete_table(TableName=f"{NAME}-2")


@pytest.fixture
def meter(client: "DynamoDBClient") -> Meter:
    return Meter(client)


@pytest.fixture
def table(meter: Meter) -> Table:
    return Table(meter.client, NAME)


@pytest.fixture
def key() -> dict[str, str]:
    return {"pk": str(uuid4()), "sk": "one"}


def sized(key: dict[str, str], size: int) -> dict[str, Any]:
    """An item of exactly so many bytes."""
    return {**key, "text": "x" * (size - FRAME)}


class TestSizes:
    @pytest.mark.parametrize(
        ("value", "size"),
        [
            ({"S": ""}, 0),
            ({"S": "abc"}, 3),
            ({"S": "é"}, 2),
            ({"S": "漢字"}, 6),
            ({"S": "👩‍👩‍👧"}, 18),
            ({"B": b"0123456789abcdef"}, 16),
            ({"B": "MDEyMzQ1Njc4OWFiY2RlZg=="}, 16),
            ({"BOOL": False}, 1),
            ({"NULL": True}, 1),
            ({"L": []}, 3),
            ({"M": {}}, 3),
            ({"L": [{"S": "ab"}, {"NULL": True}]}, 3 + 1 + 2 + 1 + 1),
            ({"M": {"é": {"S": "ab"}}}, 3 + 1 + 2 + 2),
            ({"M": {"k": {"L": [{"M": {}}]}}}, 3 + 1 + 1 + 3 + 1 + 3),
        ],
    )
    def test_a_value_counts_its_bytes(self, value: dict[str, Any], size: int) -> None:
        assert value_size(value) == size

    @pytest.mark.parametrize(
        ("number", "size"),
        [
            ("0", 1),
            ("0.000", 1),
            ("7", 2),
            ("42", 2),
            ("00012", 2),
            ("4200000", 2),
            ("1E+20", 2),
            ("0.001", 2),
            ("123", 3),
            ("-123", 4),
            ("1700000000123", 8),
            ("9" * 38, 20),
        ],
    )
    def test_a_number_counts_its_significant_digits(self, number: str, size: int) -> None:
        assert number_size(number) == size

    def test_item_counts_names_in_utf8(self) -> None:
        assert item_size({"pk": {"S": "a"}, "größe": {"N": "12"}}) == 2 + 1 + 7 + 2
        assert item_size(None) == 0

    def test_binary_set_counts_as_a_list(self) -> None:
        assert value_size({"BS": [b"12", "YWJj"]}) == 3 + (1 + 2) + (1 + 3)

    def test_set_of_texts_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no size for the type SS"):
            value_size({"SS": ["a"]})

    @pytest.mark.parametrize(
        ("size", "strong", "eventual"),
        [(0, 1, 0.5), (1, 1, 0.5), (4096, 1, 0.5), (4097, 2, 1), (8192, 2, 1), (8193, 3, 1.5), (409_600, 100, 50)],
    )
    def test_reads_round_up_to_4_kb_and_halve_when_eventual(self, size: int, strong: float, eventual: float) -> None:
        assert read_units(size, consistent=True) == strong
        assert read_units(size, consistent=False) == eventual

    @pytest.mark.parametrize(("size", "units"), [(0, 1), (1023, 1), (1024, 1), (1025, 2), (409_600, 400)])
    def test_writes_round_up_to_1_kb(self, size: int, units: int) -> None:
        assert write_units(size) == units
        assert write_units(size, 0) == units
        assert write_units(0, size) == units


class TestWrites:
    @pytest.mark.parametrize(("size", "units"), [(1023, 1), (1024, 1), (1025, 2), (409_600, 400)])
    async def test_a_put_costs_its_item_rounded_up(
        self, meter: Meter, table: Table, key: dict[str, str], size: int, units: int
    ) -> None:
        async with meter.measure() as spent:
            await table.put(Put(sized(key, size)))
        assert spent.calls == ["PutItem"]
        assert (spent.write_units, spent.read_units) == (units, 0)

    async def test_put_of_less_costs_what_stood_there(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        await table.put(Put(sized(key, 3000)))
        async with meter.measure() as spent:
            await table.put(Put(dict(key)))
        assert spent.write_units == 3

    async def test_update_costs_the_whole_item(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        await table.put(Put(sized(key, 2048)))
        async with meter.measure() as spent:
            await table.update(Update(key, "SET #n = :n", {":n": 1}))
        assert spent.write_units == 3
        async with meter.measure() as spent:
            await table.update(Update(key, "REMOVE #text", {}))
        assert spent.write_units == 3

    async def test_a_delete_costs_the_item_that_stood_there(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        await table.put(Put(sized(key, 1025)))
        target: Any = {"TableName": NAME, "Key": marshal_item(key)}
        async with meter.measure() as spent:
            await meter.client.delete_item(**target)
            await meter.client.delete_item(**target)
        assert [call.write_units for call in spent.entries] == [2, 1]

    async def test_failed_condition_costs_the_larger_of_old_and_tried(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        await table.put(Put(sized(key, 2000)))
        missing = {**key, "sk": "nil"}
        async with meter.measure() as spent:
            for size in (100, 3000):
                with pytest.raises(ConditionFailed):
                    await table.put(Put(sized(key, size), condition="attribute_not_exists(#pk)"))
            with pytest.raises(ConditionFailed):
                await table.update(Update(key, "SET #n = :n", {":n": 1}, condition="attribute_exists(#n)"))
            with pytest.raises(ConditionFailed):
                await table.update(Update(missing, "SET #n = :n", {":n": 1}, condition="attribute_exists(#n)"))
        assert [call.write_units for call in spent.entries] == [2, 3, 2, 1]
        assert "(ConditionalCheckFailedException)" in repr(spent)

    async def test_refused_request_is_free(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        async with meter.measure() as spent:
            with pytest.raises(Unavailable, match="is not as the service needs it"):
                await table.update(Update(key, "SET nonsense", {}))
        assert spent.calls == ["UpdateItem"]
        assert spent.write_units == 0


class TestIndex:
    @pytest.mark.parametrize(
        ("before", "after", "units"),
        [
            ({}, {}, 0),
            ({"inbox": "a"}, {"inbox": "b"}, 0),
            ({}, {"inbox": "a", "bucket": 1}, 1),
            ({"inbox": "a", "bucket": 1}, {}, 1),
            ({"inbox": "a", "bucket": 1}, {"inbox": "a"}, 1),
            ({"inbox": "a", "bucket": 1}, {"inbox": "a", "bucket": 1, "text": "other"}, 0),
            ({"inbox": "a", "bucket": 1}, {"inbox": "a", "bucket": 2}, 2),
            ({"inbox": "a", "bucket": 1}, {"inbox": "b", "bucket": 1}, 2),
        ],
    )
    async def test_an_index_of_keys_is_written_when_its_keys_change(
        self,
        meter: Meter,
        table: Table,
        key: dict[str, str],
        before: dict[str, Any],
        after: dict[str, Any],
        units: int,
    ) -> None:
        await table.put(Put({**key, **before}))
        async with meter.measure() as spent:
            await table.put(Put({**key, **after}))
        assert spent.index_write_units == units
        assert spent.write_units == 1 + units

    async def test_an_index_is_written_when_a_projected_attribute_changes(
        self, meter: Meter, key: dict[str, str]
    ) -> None:
        table = Table(meter.client, f"{NAME}-2")
        entry = {**key, "inbox": "a", "bucket": 1}
        async with meter.measure() as spent:
            await table.put(Put({**entry, "text": "x"}))
            await table.put(Put({**entry, "text": "y" * 1024}))
            await table.put(Put({**entry, "text": "y" * 1024, "unseen": "z" * 1024}))
            await table.put(Put({**entry, "bucket": 2, "text": "y" * 1024}))
        assert [call.index_write_units for call in spent.entries] == [1, 2, 0, 4]

    async def test_failed_condition_costs_no_index(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        await table.put(Put({**key, "inbox": "a", "bucket": 1}))
        async with meter.measure() as spent:
            with pytest.raises(ConditionFailed):
                await table.put(Put({**key, "inbox": "a", "bucket": 2}, condition="attribute_not_exists(#pk)"))
        assert spent.write_units == 1


class TestTransactions:
    async def test_first_contact_costs_ten(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        """Rows and message 3 × 2, the check 2, and two new entries in the index, which are not doubled."""
        rows = [Put({**key, "sk": sk, "inbox": sk, "bucket": 1}) for sk in ("own", "peer")]
        async with meter.measure() as spent:
            await table.transact([*rows, Put(dict(key)), Check({**key, "sk": "block"}, "attribute_not_exists(#pk)")])
        assert spent.calls == ["TransactWriteItems"]
        assert (spent.write_units, spent.index_write_units, spent.read_units) == (10, 2, 0)

    async def test_a_transaction_doubles_the_cost_of_each_item(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        await table.put(Put(sized(key, 2049)))
        async with meter.measure() as spent:
            await table.transact([Check(key, "attribute_exists(#pk)"), Put(sized({**key, "sk": "two"}, 1025))])
        assert spent.write_units == 2 * 3 + 2 * 2

    async def test_cancelled_one_is_charged_without_index(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        await table.put(Put(sized(key, 1025)))
        row = Put({**key, "sk": "own", "inbox": "a", "bucket": 1})
        async with meter.measure() as spent:
            with pytest.raises(TransactionRejected):
                await table.transact([row, Put(dict(key), condition="attribute_not_exists(#pk)")])
        assert (spent.write_units, spent.index_write_units) == (2 + 4, 0)

    async def test_repeated_token_reads_only(self, meter: Meter, key: dict[str, str]) -> None:
        item = marshal_item(key)
        request: Any = {
            "TransactItems": [{"Put": {"TableName": NAME, "Item": item}}],
            "ClientRequestToken": str(uuid4()),
        }
        async with meter.measure() as spent:
            await meter.client.transact_write_items(**request)
            await meter.client.transact_write_items(**request)
        assert [(call.write_units, call.read_units) for call in spent.entries] == [(2, 0), (0, 2)]

    async def test_a_transactional_read_costs_double(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        await table.put(Put(sized(key, 4097)))
        items = [{"Get": {"TableName": NAME, "Key": {"pk": {"S": key["pk"]}, "sk": {"S": sk}}}} for sk in ("one", "no")]
        async with meter.measure() as spent:
            await meter.client.transact_get_items(TransactItems=items)  # type: ignore[arg-type]
        assert spent.read_units == 2 * (2 + 1)


class TestReads:
    @pytest.mark.parametrize(("size", "strong", "eventual"), [(4096, 1, 0.5), (4097, 2, 1)])
    async def test_a_get_costs_its_item_rounded_up(
        self, meter: Meter, table: Table, key: dict[str, str], size: int, strong: float, eventual: float
    ) -> None:
        await table.put(Put(sized(key, size)))
        async with meter.measure() as spent:
            await table.get(key, consistent=True)
            await table.get(key)
        assert [call.read_units for call in spent.entries] == [strong, eventual]

    async def test_a_get_of_a_missing_item_costs_the_least(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        async with meter.measure() as spent:
            await table.get(key, consistent=True)
            await table.get(key)
        assert [call.read_units for call in spent.entries] == [1, 0.5]

    async def test_batch_get_rounds_each_item(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        await table.put(Put(sized(key, 1500)))
        await table.put(Put(sized({**key, "sk": "two"}, 6500)))
        async with meter.measure() as spent:
            await table.batch_get([{**key, "sk": sk} for sk in ("one", "two", "nil")])
        assert spent.calls == ["BatchGetItem"]
        assert spent.read_units == (4 + 8 + 4) / 8

    async def test_query_rounds_the_page(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        for number in range(3):
            await table.put(Put(sized({**key, "sk": f"m-{number}"}, 2048)))
        query = Query("#pk = :pk", {":pk": key["pk"]})
        async with meter.measure() as spent:
            await table.query(query)
            await table.query(Query("#pk = :pk", {":pk": key["pk"]}, limit=2, consistent=True))
            await table.query(Query("#pk = :pk", {":pk": "nobody"}))
        assert [call.read_units for call in spent.entries] == [1, 1, 0.5]

    @pytest.mark.parametrize(
        "hiding",
        [
            {"ProjectionExpression": "#sk", "ExpressionAttributeNames": {"#sk": "sk"}},
            {"FilterExpression": "#t = :t", "ExpressionAttributeNames": {"#t": "text"}},
            {"Select": "COUNT"},
        ],
    )
    async def test_hidden_items_are_paid(
        self, meter: Meter, table: Table, key: dict[str, str], hiding: dict[str, Any]
    ) -> None:
        for number in range(4):
            await table.put(Put(sized({**key, "sk": f"m-{number}"}, 4000)))
        values = {":pk": {"S": key["pk"]}} | ({":t": {"S": "?"}} if "FilterExpression" in hiding else {})
        async with meter.measure() as spent:
            await meter.client.query(
                TableName=NAME, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values, Limit=3, **hiding
            )
        assert spent.read_units == 1.5

    async def test_query_of_index_reads_its_entries_only(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        inbox = str(uuid4())
        for number in range(3):
            await table.put(Put({**sized({**key, "sk": f"m-{number}"}, 9000), "inbox": inbox, "bucket": number}))
        async with meter.measure() as spent:
            assert len(await table.query(Query("#inbox = :inbox", {":inbox": inbox}, index=KEYS_ONLY))) == 3
        assert spent.read_units == 0.5


class TestMeasuring:
    async def test_calls_at_the_same_time_are_all_counted(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        async with meter.measure() as spent:
            sizes = [100, 1025, 2049, 3073] * 8
            puts = [Put(sized({**key, "sk": f"{at:03d}"}, size)) for at, size in enumerate(sizes)]
            await asyncio.gather(*map(table.put, puts))
        assert spent.write_units == (1 + 2 + 3 + 4) * 8
        assert spent.calls == ["PutItem"] * 32

    async def test_end_waits_for_what_still_runs(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        async with meter.measure() as spent:
            late = asyncio.create_task(table.put(Put(sized(key, 2000))))
            await asyncio.sleep(0)
        assert spent.write_units == 2
        await late

    async def test_lost_reply_is_charged_by_what_was_done(self, client: "DynamoDBClient", key: dict[str, str]) -> None:
        class Lossy:
            async def put_item(self, **request: Any) -> None:
                await client.put_item(**request)
                raise ReadTimeoutError(endpoint_url="")

        meter = Meter(cast("DynamoDBClient", Lossy()), raw=client)
        async with meter.measure() as spent:
            with pytest.raises(ReadTimeoutError):
                await meter.client.put_item(TableName=NAME, Item=marshal_item(sized(key, 2000)))
        assert spent.write_units == 2
        assert "(no answer)" in repr(spent)

    async def test_outside_nothing_is_counted(self, meter: Meter, table: Table, key: dict[str, str]) -> None:
        async with meter.measure() as spent:
            pass
        await table.put(Put(dict(key)))
        assert spent.calls == []

    async def test_a_measurement_inside_another_counts_for_both(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        async with meter.measure() as outer:
            await table.get(key)
            async with meter.measure() as inner:
                await table.put(Put(dict(key)))
        assert (outer.calls, inner.calls) == (["GetItem", "PutItem"], ["PutItem"])

    async def test_a_report_breaks_units_down_by_operation_and_index(
        self, meter: Meter, table: Table, key: dict[str, str]
    ) -> None:
        async with meter.measure() as spent:
            await table.get(key)
            await table.put(Put({**key, "inbox": "a", "bucket": 1}))
        assert repr(spent).splitlines() == [
            "2 WCU, 0.5 RCU in 2 calls",
            "    GetItem              0 WCU, 0.5 RCU",
            "    PutItem              2 WCU, 1 of them in indexes, 0 RCU",
        ]
        assert spent.of("PutItem").write_units == 2

    async def test_what_has_no_rule_is_refused(self, meter: Meter) -> None:
        with pytest.raises(NotImplementedError, match="get_paginator"):
            meter.client.get_paginator("query")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.one_of(
        TEXTS.map(lambda text: {"S": text}),
        st.integers(-(10**38) + 1, 10**38 - 1).map(lambda number: {"N": str(number)}),
        st.binary(max_size=40).map(lambda data: {"B": data}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
        st.just({"NULL": True}),
    ),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda values: {"L": values})
        | st.dictionaries(TEXTS, inner, max_size=4).map(lambda values: {"M": values})
    ),
    max_leaves=8,
)
ATTRIBUTES = st.dictionaries(TEXTS.filter(lambda name: name not in {"", "pk", "sk", "inbox", "bucket", "pad"}), VALUES)
INDEX_KEYS = st.fixed_dictionaries(
    {}, optional={"inbox": st.sampled_from("ab").map(lambda s: {"S": s}), "bucket": st.just({"N": "1"})}
)


class TestAgainstTheEngine:
    """The engine's figures for calls outside of transactions; every size is pushed to both sides of a boundary."""

    @settings(max_examples=60, deadline=None)
    @given(attributes=ATTRIBUTES, index=INDEX_KEYS, blocks=st.integers(2, 5), over=st.booleans())
    async def test_the_meter_agrees_with_the_engine_on_writes_and_reads(
        self, client: "DynamoDBClient", attributes: Any, index: Any, blocks: int, over: bool
    ) -> None:
        meter = Meter(client)
        key = {"pk": {"S": str(uuid4())}, "sk": {"S": "one"}}
        item = {**key, **index, **attributes, "pad": {"S": ""}}
        item["pad"] = {"S": "x" * (blocks * 1024 + over - item_size(item))}
        shared: Any = {"TableName": NAME, "ReturnConsumedCapacity": "INDEXES"}
        query: Any = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": key["pk"]}}
        async with meter.measure() as spent:
            answers: list[Any] = [
                await meter.client.put_item(**shared, Item=item),
                await meter.client.put_item(**shared, Item={**key, "inbox": {"S": "b"}, "bucket": {"N": "1"}}),
                await meter.client.put_item(**shared, Item=item),
                await meter.client.get_item(**shared, Key=key),
                await meter.client.get_item(**shared, Key=key, ConsistentRead=True),
                await meter.client.query(**shared, **query),
                await meter.client.delete_item(**shared, Key=key),
            ]
        told = [answer["ConsumedCapacity"]["CapacityUnits"] for answer in answers]
        assert [call.write_units + call.read_units for call in spent.entries] == told
