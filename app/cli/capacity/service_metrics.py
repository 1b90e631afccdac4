"""The metrics of the service's processes, read from their /metrics and added up by API operation."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from app.cli.failures import Code, Failure

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

SECONDS: Final = 10.0
TABLE: Final = "table"


class MetricsUnavailable(Failure):
    """An address has no metrics; the sentence says what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, Code.UNAVAILABLE)


@dataclass(slots=True)
class Operation:
    """The counters of one API operation, with units by resource: the table, or an index by its name."""

    requests: int = 0
    """Successful requests."""
    calls: int = 0
    retries: int = 0
    read: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    write: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, sample: "Sample") -> None:
        """Add a sample of a process to the counter that it belongs to."""
        match sample.name:
            case "cruddur_dynamodb_read_units_total":
                self.read[sample.labels["resource"]] += sample.value
            case "cruddur_dynamodb_write_units_total":
                self.write[sample.labels["resource"]] += sample.value
            case "cruddur_dynamodb_calls_total":
                self.calls += int(sample.value)
            case "cruddur_dynamodb_retries_total":
                self.retries += int(sample.value)
            case "cruddur_http_request_seconds_count" if sample.labels["status"].startswith("2"):
                self.requests += int(sample.value)

    @property
    def read_units(self) -> float:
        return sum(self.read.values())

    @property
    def write_units(self) -> float:
        return sum(self.write.values())

    @property
    def units(self) -> float:
        return self.read_units + self.write_units

    def per_request(self, units: float) -> float | None:
        """Return the units of one request, or None for background work, which no request asks for."""
        return units / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class ServiceMetrics:
    """The operations that used capacity, those with the most units first, since the start of the oldest process."""

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
        """Add up the texts of the processes."""
        samples = [each for text in texts for family in text_string_to_metric_families(text) for each in family.samples]
        operations: dict[str, Operation] = defaultdict(Operation)
        for sample in samples:
            if name := sample.labels.get("operation"):
                operations[name].add(sample)
        starts = [sample.value for sample in samples if sample.name == "process_start_time_seconds"]
        used = sorted((it for it in operations.items() if it[1].calls), key=lambda it: -it[1].units)
        return cls(dict(used), datetime.fromtimestamp(min(starts), UTC), len(texts))


async def read_metrics(addresses: Sequence[str], *, token: str | None) -> ServiceMetrics:
    """Return the metrics of the processes at these addresses, or raise MetricsUnavailable."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    places = dict.fromkeys(address.rstrip("/") for address in addresses)
    async with httpx.AsyncClient(timeout=SECONDS, headers=headers) as client:
        return ServiceMetrics.of(await asyncio.gather(*(_text(client, place) for place in places)))


async def _text(client: httpx.AsyncClient, address: str) -> str:
    try:
        response = await client.get(f"{address}/metrics")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise MetricsUnavailable(f"{address} does not answer: is that where the service listens? ({error})") from None
    if response.status_code == 401:
        raise MetricsUnavailable(f"{address} needs its METRICS_TOKEN: set the variable to the same value as there")
    if response.status_code != 200 or "cruddur_http" not in response.text:
        raise MetricsUnavailable(f"{address} has no metrics: in production they need METRICS_TOKEN to be set")
    return response.text
