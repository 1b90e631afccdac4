"""What calls take of the capacity, as DynamoDB reports it, and the meter that is told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

TABLE: Final = "table"
READS: Final = frozenset({"batch_get_item", "get_item", "query", "scan"})
METERED: Final = READS | {"batch_write_item", "put_item", "transact_write_items", "update_item"}
REFUSED_BUT_CHARGED: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})


class Meter(Protocol):
    """Is told of each call, by the name of botocore's method. A resource is the table or an index, by its name."""

    def called(self, call: str) -> None:
        """It was answered."""

    def read(self, units: float, resource: str) -> None:
        """RCU that it took."""

    def wrote(self, units: float, resource: str) -> None:
        """WCU that it took."""

    def retried(self, call: str, cause: str) -> None:
        """A try met a fault that another one may not meet."""


@dataclass(slots=True)
class Consumed:
    """The simplest meter: sums."""

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


def note_answer(meter: Meter, call: str, reported: Any) -> None:
    """Hand on an answer's ConsumedCapacity with INDEXES: an object, or a list for batches and transactions."""
    meter.called(call)
    for told in reported if isinstance(reported, list) else [reported or {}]:
        # A transaction that was applied before reads only, and then says so.
        tell = meter.read if call in READS or told.get("ReadCapacityUnits") else meter.wrote
        for resource, units in _by_resource(told):
            tell(units, resource)


def note_refusal(meter: Meter, call: str, code: str, request: Mapping[str, Any]) -> None:
    """A failed condition is charged, but not reported: count the least that it takes, which fits items up to 1 KB."""
    if code in REFUSED_BUT_CHARGED:
        transacted = request.get("TransactItems")
        meter.called(call)
        meter.wrote(2 * len(transacted) if transacted else 1, TABLE)


def _by_resource(told: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    parts = {TABLE: told.get("Table", {}), **told.get("GlobalSecondaryIndexes", {})}
    return ((resource, part["CapacityUnits"]) for resource, part in parts.items() if part.get("CapacityUnits"))
