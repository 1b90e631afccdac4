"""The capacity that calls consume, as DynamoDB reports it, and the meter that records it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

TABLE: Final = "table"
READS: Final = frozenset({"batch_get_item", "get_item", "query", "scan"})
METERED: Final = READS | {"batch_write_item", "delete_item", "put_item", "transact_write_items", "update_item"}
REFUSED_BUT_CHARGED: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})


class Meter(Protocol):
    """Records calls by the name of botocore's method. A resource is TABLE or the name of an index."""

    def called(self, call: str) -> None:
        """Record a call that DynamoDB answered."""

    def read(self, units: float, resource: str) -> None:
        """Record consumed RCU."""

    def wrote(self, units: float, resource: str) -> None:
        """Record consumed WCU."""

    def retried(self, call: str, cause: str) -> None:
        """Record an attempt that met a transient fault."""


@dataclass(slots=True)
class Consumed:
    """Adds up calls, units and retries: the simplest meter."""

    calls: int = 0
    read_units: float = 0
    write_units: float = 0
    retries: int = 0

    def called(self, _: str) -> None:
        self.calls += 1

    def read(self, units: float, _: str) -> None:
        self.read_units += units

    def wrote(self, units: float, _: str) -> None:
        self.write_units += units

    def retried(self, _: str, __: str) -> None:
        self.retries += 1


def record_response(meter: Meter, call: str, reported: Any) -> None:
    """Record a response's ConsumedCapacity with INDEXES: an object, or a list for batches and transactions."""
    meter.called(call)
    for consumed in reported if isinstance(reported, list) else [reported or {}]:
        # A transaction that was applied before only reads, and reports read units.
        record = meter.read if call in READS or consumed.get("ReadCapacityUnits") else meter.wrote
        parts = {TABLE: consumed.get("Table", {}), **consumed.get("GlobalSecondaryIndexes", {})}
        for resource, part in parts.items():
            if units := part.get("CapacityUnits"):
                record(units, resource)


def record_rejection(meter: Meter, call: str, code: str, request: Mapping[str, Any]) -> None:
    """Record a failed condition, which is charged but not reported, with its least cost: that of items up to 1 KB."""
    if code in REFUSED_BUT_CHARGED:
        transacted = request.get("TransactItems")
        meter.called(call)
        meter.wrote(2 * len(transacted) if transacted else 1, TABLE)
