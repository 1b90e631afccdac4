"""What processes of the service count about themselves: read from their /metrics, and added up by API operation."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import httpx

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

SECONDS: Final = 10.0
TABLE: Final = "table"


class Unreadable(Exception):
    """There are no counters at this address; the sentence says what to do."""


@dataclass(slots=True)
class Operation:
    """One API operation. Units are by resource: the table, or an index by its name."""

    requests: int = 0
    """Those that were answered with success."""
    calls: int = 0
    retries: int = 0
    read: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    write: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def read_units(self) -> float:
        return sum(self.read.values())

    @property
    def write_units(self) -> float:
        return sum(self.write.values())

    def a_request(self, units: float) -> float | None:
        """Units of one request; nothing for what nobody asks for, such as work of the service's own."""
        return units / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Counted:
    """All operations that used capacity, the dearest first, and since when the longest running process counts."""

    operations: dict[str, Operation]
    since: datetime
    processes: int

    @property
    def read_units(self) -> float:
        return sum(operation.read_units for operation in self.operations.values())

    @property
    def write_units(self) -> float:
        return sum(operation.write_units for operation in self.operations.values())

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """From the text of each process."""
        samples = [sample for text in texts for sample in _samples(text)]
        operations: dict[str, Operation] = defaultdict(Operation)
        for sample in samples:
            if name := sample.labels.get("operation"):
                _add(operations[name], sample)
        starts = [sample.value for sample in samples if sample.name == "process_start_time_seconds"]
        dear = sorted(operations.items(), key=lambda it: -(it[1].read_units + it[1].write_units))
        used = {name: operation for name, operation in dear if operation.calls}
        return cls(used, datetime.fromtimestamp(min(starts), UTC), len(texts))


def _samples(text: str) -> "Iterable[Sample]":
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415  # only this command needs it

    return (sample for family in text_string_to_metric_families(text) for sample in family.samples)


def _add(operation: Operation, sample: "Sample") -> None:
    match sample.name:
        case "cruddur_dynamodb_read_units_total":
            operation.read[sample.labels["resource"]] += sample.value
        case "cruddur_dynamodb_write_units_total":
            operation.write[sample.labels["resource"]] += sample.value
        case "cruddur_dynamodb_calls_total":
            operation.calls += int(sample.value)
        case "cruddur_dynamodb_retries_total":
            operation.retries += int(sample.value)
        case "cruddur_http_request_seconds_count" if sample.labels["status"].startswith("2"):
            operation.requests += int(sample.value)


async def read_counters(addresses: Sequence[str], *, token: str | None) -> Counted:
    """Ask each process of the service once."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    places = dict.fromkeys(address.rstrip("/") for address in addresses)
    async with httpx.AsyncClient(timeout=SECONDS, headers=headers) as client:
        return Counted.of(await asyncio.gather(*(_text(client, place) for place in places)))


async def _text(client: httpx.AsyncClient, address: str) -> str:
    try:
        answer = await client.get(f"{address}/metrics")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreadable(f"{address} does not answer: is that where the service listens? ({error})") from None
    if answer.status_code == 401:
        raise Unreadable(f"{address} wants its METRICS_TOKEN: set the variable to the same as there")
    if answer.status_code != 200 or "cruddur_http" not in answer.text:
        raise Unreadable(f"{address} has no counters: in production they are served with METRICS_TOKEN set only")
    return answer.text
