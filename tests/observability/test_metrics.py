"""The service's counters: units against AWS's rules, and access to them."""

import asyncio
import signal
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.concurrency import TaskSet
from app.gateways.dynamodb import Check, ConditionFailed, Put, Table, TransactionRejected, Update
from app.messaging.clock import now
from app.messaging.models import Draft, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from app.observability.metrics import Metrics, operation
from app.settings import Settings
from migrations.dynamodb_table import INDEX
from tests.fixtures.app import Person, Service, running
from tests.http.problem import anonymised, problem_of
from tests.tools.capacity import Meter, Spent
from tests.tools.faults import FaultyClient
from tests.tools.processes import DIRECTORY, raw_client
from tests.tools.servers import Server

SIGNED = {"authorization": "Bearer none"}
TOKEN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool"


def counted(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of this name by the values of their labels, which come in the order of the labels' names."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


class Counted:
    """Two users in a conversation; their DynamoDB calls are counted by the service and measured by AWS's rules."""

    def __init__(self, service: Service) -> None:
        self.metrics, self.meter, self.at = Metrics(), Meter(raw_client(service)), now()
        self.table = Table(self.meter.client, service.state["table"].name, meter=self.metrics.dynamodb)
        store = MessagingStore(self.table)
        self.tasks = TaskSet()
        self.messaging = Messaging(store, DIRECTORY, message_max_length=1024, tasks=self.tasks, clock=lambda: self.at)
        self.ann, self.bob = uuid4(), uuid4()
        self.group = direct_group_uuid(self.ann, self.bob)

    async def send(self) -> None:
        await self.messaging.send(Draft(self.ann, "Lunch?", uuid=uuid4()), group=None, handle=str(self.bob))

    async def measured(self, name: str, work: Awaitable[object]) -> Spent:
        """Does the work as an API operation."""
        before = operation.set(name)
        async with self.meter.measure() as spent:
            await work
        operation.reset(before)
        return spent

    def units(self, kind: str) -> dict[tuple[str, ...], float]:
        return counted(self.metrics.text().decode(), f"cruddur_dynamodb_{kind}_units_total")


@pytest.fixture
def both(service: Service) -> Counted:
    return Counted(service)


async def test_units_follow_the_rules_of_aws_by_operation_and_resource(both: Counted) -> None:
    """The local engine reports as AWS does, so what is counted can be held against what is measured."""
    first = await both.measured("first_contact", both.send())
    both.at += timedelta(minutes=10)
    second = await both.measured("new_bucket", both.send())
    page = await both.measured("list", both.messaging.history(both.ann, both.group, Window.newest(50)))
    assert both.units("write") == {
        ("first_contact", "table"): first.write_units - first.index_write_units,
        ("first_contact", INDEX): first.index_write_units,
        ("new_bucket", "table"): second.write_units - second.index_write_units,
        ("new_bucket", INDEX): second.index_write_units,
    }
    assert both.units("read") == {
        ("first_contact", "table"): first.read_units,
        ("new_bucket", "table"): second.read_units,
        ("list", "table"): page.read_units,
    }
    calls = counted(both.metrics.text().decode(), "cruddur_dynamodb_calls_total")
    for name, spent in {"first_contact": first, "new_bucket": second, "list": page}.items():
        assert sum(count for (_, made_by), count in calls.items() if made_by == name) == len(spent.calls)


async def test_a_failed_condition_is_counted_by_rule_as_aws_does_not_report_it(both: Counted) -> None:
    put = Put({"pk": f"T#{uuid4()}", "sk": "1"}, condition="attribute_not_exists(pk)")
    await both.table.put(put)

    async def fail() -> None:
        with pytest.raises(ConditionFailed):
            await both.table.put(put)
        with pytest.raises(ConditionFailed):
            await both.table.update(Update(put.item, "SET n = :n", {":n": 1}, condition="attribute_not_exists(pk)"))
        with pytest.raises(TransactionRejected):
            await both.table.transact([put, Check({"pk": "T#none", "sk": "1"}, "attribute_not_exists(pk)")])

    spent = await both.measured("refused", fail())
    assert both.units("write")["refused", "table"] == spent.write_units == 6


async def test_a_transaction_that_was_applied_before_is_counted_as_reads(both: Counted) -> None:
    write, name = both.meter.client.transact_write_items, both.table.name
    item = {"Put": {"TableName": name, "Item": {"pk": {"S": f"T#{uuid4()}"}, "sk": {"S": "1"}}}}
    token = str(uuid4())

    async def twice() -> None:
        for _ in range(2):
            await both.table._retry(write, TransactItems=[item], ClientRequestToken=token)  # noqa: SLF001  # as after a lost answer

    spent = await both.measured("repeated", twice())
    assert both.units("write")["repeated", "table"] == spent.write_units == 2
    assert both.units("read")["repeated", "table"] == spent.read_units == 2


async def test_retries_are_counted_with_their_cause(service: Service) -> None:
    metrics = Metrics()
    client: Any = FaultyClient(raw_client(service), share=0.5, seed=3)
    table = Table(client, service.state["table"].name, meter=metrics.dynamodb)
    for _ in range(5):
        await table.get({"pk": "T#none", "sk": "1"})
    retries = counted(metrics.text().decode(), "cruddur_dynamodb_retries_total")
    assert sum(retries.values()) == client.faults > 0
    assert {(call, made_by) for call, _, made_by in retries} == {("get_item", "other")}
    assert {cause for _, cause, _ in retries} <= {
        "ProvisionedThroughputExceededException",
        "ConnectionClosedError",
        "ReadTimeoutError",
    }


async def test_background_work_counts_for_the_operation_that_started_it(both: Counted) -> None:
    """Rows that were found behind the log are brought up to it while the page is already on its way."""
    await both.measured("send", both.send())
    store = MessagingStore(both.table)
    message, row = await store.message(both.group, 1), await store.inbox_row(both.bob, both.group)
    assert message
    assert row

    async def open_group() -> None:
        both.messaging.projection.repair(message, row)  # what opening a group does

    await both.measured("open", open_group())
    await both.tasks.drain(5)
    calls = counted(both.metrics.text().decode(), "cruddur_dynamodb_calls_total")
    assert calls["update_item", "open"] == 2


async def test_requests_are_counted_by_operation_and_status(service: Service, ann: Person, bob: Person) -> None:
    before = await requests(service)
    await ann.sent("Lunch?", bob)
    await ann.send("", bob)
    await ann.client.get("/nowhere")
    await ann.client.get("/healthz")
    after = await requests(service)
    told = {key: count - before.get(key, 0) for key, count in after.items() if count != before.get(key, 0)}
    assert told == {
        ("send_message", "200"): 1,
        ("send_message", "422"): 1,
        ("other", "404"): 1,
        ("get_liveness", "200"): 1,
        ("get_metrics", "200"): 1,
    }
    calls = counted(await scraped(service), "cruddur_dynamodb_calls_total")
    assert calls["transact_write_items", "send_message"] > 0
    await ann.client.get("/readyz")
    assert ("get_item", "get_readiness") in counted(await scraped(service), "cruddur_dynamodb_calls_total")


async def scraped(service: Service, **headers: str) -> str:
    async with service.client(**headers) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


async def requests(service: Service) -> dict[tuple[str, ...], float]:
    return counted(await scraped(service), "cruddur_http_request_seconds_count")


async def test_each_application_counts_for_itself(service: Service, settings: Settings) -> None:
    await scraped(service)
    async with running(settings) as other:
        assert await requests(other) == {}


async def test_cache_look_ups_and_open_streams_are_counted(service: Service) -> None:
    metrics = Metrics()
    for result, count in (("hit", 1), ("hit", 2), ("miss", 1), ("shared", 1)):
        metrics.looked_up("names", result, count)
    looked_up = counted(metrics.text().decode(), "cruddur_cache_requests_total")
    assert looked_up == {("names", "hit"): 3, ("names", "miss"): 1, ("names", "shared"): 1}
    with metrics.event_stream(), metrics.event_stream():
        assert counted(metrics.text().decode(), "cruddur_event_streams") == {(): 2}
    assert counted(metrics.text().decode(), "cruddur_event_streams") == {(): 0}
    assert "/metrics" not in service.app.openapi()["paths"]


async def test_production_shows_its_counters_only_with_the_token(settings: Settings) -> None:
    production = {"environment": "production", "cognito_issuer_url": ISSUER, "metrics_token": SecretStr(TOKEN)}
    async with running(settings.model_copy(update=production)) as service, service.client() as client:
        wrong = ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", "Bearer \xe9", "Bearer ")
        for given in wrong:
            answer = await client.get("/metrics", headers={b"authorization": given.encode("latin-1")})
            problem_of(answer, 401, "unauthenticated")
        problem_of(await client.get("/metrics"), 401, "unauthenticated")
        await scraped(service, authorization=f"Bearer {TOKEN}")


async def test_production_without_a_token_has_no_counters(settings: Settings) -> None:
    production = {"environment": "production", "cognito_issuer_url": ISSUER}
    async with running(settings.model_copy(update=production)) as service, service.client() as client:
        answers = [await client.get(path, headers=sent) for path in ("/metrics", "/nowhere") for sent in ({}, SIGNED)]
        for answer in answers:
            problem_of(answer, 404, "not-found")
        assert len({str(anonymised(answer)) for answer in answers}) == 1


async def test_the_counters_of_two_workers_add_up(settings: Settings, ann: Person, tmp_path: Path) -> None:
    """Each scrape reaches one of them, which answers for both."""
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    workers = [Server(settings, variables=shared, is_forked=False) for _ in range(2)]  # it counts at the import
    try:
        await asyncio.gather(*(worker.start() for worker in workers))
        headers = {"authorization": f"Bearer {ann.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=10) as client, AsyncExitStack() as stack:
            for worker, count in zip(workers, (2, 3), strict=True):
                for _ in range(count):
                    assert (await client.get(f"{worker.address}/api/users/me")).status_code == 200
                await stack.enter_async_context(client.stream("GET", f"{worker.address}/api/events"))
            for worker in workers:
                text = (await client.get(f"{worker.address}/metrics")).text
                assert counted(text, "cruddur_http_request_seconds_count")["get_current_user", "200"] == 5
                assert counted(text, "cruddur_event_streams") == {(): 2}
        assert await workers[0].stop(signal.SIGTERM) == 0
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{workers[1].address}/metrics")).text
            assert counted(text, "cruddur_http_request_seconds_count")["get_current_user", "200"] == 5
    finally:
        await asyncio.gather(*(worker.stop(signal.SIGKILL) for worker in workers if worker.process))
