"""The counters of a process, in the format of Prometheus. They know neither HTTP nor DynamoDB."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, partial
from pathlib import Path
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
OTHER: Final = "other"
MULTIPROCESS_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client shares the counters of several processes, in files of a folder."""
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

Metric = TypeVar("Metric", Counter, Histogram)

operation: ContextVar[str] = ContextVar("operation", default=OTHER)
"""The API operation that runs. Background work that a request starts inherits it."""


class _Series(dict[tuple[str | int, ...], Metric], Generic[Metric]):
    """The series of a metric by the values of its labels. Prometheus's own look-up takes several times longer."""

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._labels: Callable[..., Metric] = metric.labels

    def __missing__(self, labels: tuple[str | int, ...]) -> Metric:
        series = self[labels] = self._labels(*labels)
        return series


def _counters(registry: CollectorRegistry, name: str, text: str, *labels: str) -> _Series[Counter]:
    return _Series(Counter(name, text, labels, registry=registry))


class DynamoDBMetrics:
    """Calls, units and retries by API operation: a meter for the DynamoDB gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counters = partial(_counters, registry)
        attempts = "Attempts that met a throttle, a conflict or a fault"
        self._calls = counters("cruddur_dynamodb_calls", "Calls that DynamoDB answered", "operation", "call")
        self._reads = counters("cruddur_dynamodb_read_units", "RCU of the table or an index", "operation", "resource")
        self._writes = counters("cruddur_dynamodb_write_units", "WCU of the table or an index", "operation", "resource")
        self._retries = counters("cruddur_dynamodb_retries", attempts, "operation", "call", "cause")

    def called(self, call: str) -> None:
        """Count a call that DynamoDB answered."""
        self._calls[operation.get(), call].inc()

    def read(self, units: float, resource: str) -> None:
        """Count read units (RCU) of the table or an index."""
        self._reads[operation.get(), resource].inc(units)

    def wrote(self, units: float, resource: str) -> None:
        """Count write units (WCU) of the table or an index."""
        self._writes[operation.get(), resource].inc(units)

    def retried(self, call: str, cause: str) -> None:
        """Count an attempt that failed with a throttle, a conflict or a fault and is repeated."""
        self._retries[operation.get(), call, cause].inc()


class Metrics:
    """The counters of an application, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # they would double the number of series
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.dynamodb = DynamoDBMetrics(self._registry)
        self._requests = _Series(
            Histogram(
                "cruddur_http_request_seconds",
                "Requests by API operation and status, from the first byte of the head to the last of the response",
                ("operation", "status"),
                buckets=SECONDS,
                registry=self._registry,
            )
        )
        counters = partial(_counters, self._registry)
        self._caches = counters("cruddur_cache_requests", "Look-ups in a cache", "cache", "result")
        self._refused = counters("cruddur_limited_calls", "Calls that a limit refused", "limit")
        self._streams = Gauge(
            "cruddur_event_streams",
            "Event streams that are open",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    @cached_property
    def _valkey(self) -> tuple[_Series[Counter], Gauge]:
        """The calls and the state of Valkey. Without VALKEY_URL there is nothing to count."""
        calls = _counters(self._registry, "cruddur_valkey_calls", "Calls of Valkey by result", "result")
        up = Gauge(
            "cruddur_valkey_up",
            "1 while events go through Valkey and back",
            registry=self._registry,
            multiprocess_mode="livemin",
        )
        return calls, up

    def valkey_called(self, result: str) -> None:
        """Count a call of Valkey: `ok`, `late`, `failed`, `skipped` while it counts as absent."""
        self._valkey[0][(result,)].inc()

    def valkey_changed(self, is_up: bool) -> None:
        """Note whether events go through Valkey and back."""
        self._valkey[1].set(is_up)

    def looked_up(self, cache: str, result: str, count: int) -> None:
        """Count look-ups in a cache: `hit` in memory, `shared` in Valkey, `miss`, `stale` while the source is down."""
        self._caches[cache, result].inc(count)

    def refused(self, rate: str) -> None:
        """Count a call that a limit refused."""
        self._refused[(rate,)].inc()

    @contextmanager
    def event_stream(self) -> Iterator[None]:
        """Count an event stream as open while the block runs."""
        with self._streams.track_inprogress():
            yield

    def answered(self, name: str, status: int, seconds: float) -> None:
        """Count a request and its duration. Status 0 means that the client left before the response."""
        self._requests[name, status].observe(seconds)

    def text(self) -> bytes:
        """Return all counters in the text format of Prometheus, of all processes that share a folder for them."""
        if MULTIPROCESS_DIR not in os.environ:
            return generate_latest(self._registry)
        _end_killed_processes()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # it registers itself
        return generate_latest(registry)

    def close(self) -> None:
        """Take the gauges of this process out of those that several processes share."""
        if MULTIPROCESS_DIR in os.environ:
            mark_process_dead(os.getpid())


def _end_killed_processes() -> None:
    """Take out the gauges of processes that were killed, which could not do so: their streams are not open any more."""
    for number in {file.stem.rpartition("_")[2] for file in Path(os.environ[MULTIPROCESS_DIR]).glob("gauge_live*.db")}:
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            mark_process_dead(number)
        except PermissionError:
            continue  # it runs, as another user
