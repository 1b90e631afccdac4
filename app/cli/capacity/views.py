"""How units and their course look on a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from app.cli.capacity.service_metrics import TABLE, Counted, Operation
from app.cli.capacity.throughput import DIRECTIONS, Capacity, Direction, Scaling, Series
from app.cli.console import Console, local_time

BLOCKS: Final = " ▁▂▃▄▅▆▇█"


def show_report(console: Console, bought: Sequence[Capacity], usage: Sequence[Series], *, hours: float) -> None:
    """A line for each resource and direction, with its course."""
    course = f"last {hours:g} h"
    console.table(
        ("", "paid", "units", "average", "peak", "throttled", course),
        (_row(each, direction, usage) for each in bought for direction in DIRECTIONS),
        right=("units", "average", "peak", "throttled"),
    )


def _row(capacity: Capacity, direction: Direction, usage: Sequence[Series]) -> tuple[str, ...]:
    mode = "on demand" if capacity.on_demand else "provisioned"
    units = "–" if capacity.on_demand else f"{capacity.units(direction):,}"
    start = (f"{capacity.name}, {direction.lower()}", mode, units)
    series = _series(usage, capacity, direction)
    if series is None:
        return (*start, "–", "–", "–", "")
    top = max(series.peak, capacity.units(direction))
    throttled = f"{sum(series.throttled):,.0f}"
    return (*start, f"{series.average:,.2f}", f"{series.peak:,.2f}", throttled, sparkline(series.per_second(), top=top))


def _series(usage: Sequence[Series], capacity: Capacity, direction: Direction) -> Series | None:
    return next((each for each in usage if (each.index, each.direction) == (capacity.index, direction)), None)


def sparkline(values: Sequence[float], *, top: float) -> str:
    """A bar for each value, full height at `top`; whatever is not nothing can be seen."""
    if top <= 0:
        return BLOCKS[0] * len(values)
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[min(steps, max(1, round(value / top * steps)) if value > 0 else 0)] for value in values)


def usage_record(capacity: Capacity, usage: Sequence[Series]) -> dict[str, Any]:
    """For machines: what was used of a resource, in each direction."""
    found = {direction: _series(usage, capacity, direction) for direction in DIRECTIONS}
    return {
        f"{direction.lower()}_usage": {
            "average": series.average,
            "peak": series.peak,
            "throttled": sum(series.throttled),
            "start": series.start.isoformat(),
            "step_seconds": series.step,
            "consumed": list(series.consumed),
        }
        for direction, series in found.items()
        if series
    }


def show_operations(console: Console, counted: Counted) -> None:
    """A line for each API operation: what it used, which share of all that is, and how much one request takes."""
    columns = ("operation", "requests", "RCU", "share", "a request", "WCU", "share", "a request", "of index", "retried")
    processes = f"{counted.processes} process" + ("es" if counted.processes > 1 else "")
    console.say(f"\nBy operation, as the service counts it: {processes}, since {local_time(counted.since)}")
    rows = [_operation_row(name, operation, counted) for name, operation in counted.operations.items()]
    console.table(columns, rows, right=columns[1:])
    if not rows:
        console.say("Nothing was used.")


def _operation_row(name: str, operation: Operation, counted: Counted) -> tuple[str, ...]:
    in_index = operation.read_units + operation.write_units - operation.read[TABLE] - operation.write[TABLE]
    return (
        name,
        f"{operation.requests:,}" if operation.requests else "–",
        *_units(operation, operation.read_units, counted.read_units),
        *_units(operation, operation.write_units, counted.write_units),
        f"{in_index:,g}",
        f"{operation.retries:,}",
    )


def _units(operation: Operation, units: float, of: float) -> tuple[str, str, str]:
    one = operation.a_request(units)
    return (f"{units:,g}", f"{units / of:.0%}" if of else "–", "–" if one is None else f"{one:.3g}")


def operation_records(counted: Counted) -> Iterator[dict[str, Any]]:
    """For machines: the same."""
    for name, operation in counted.operations.items():
        yield {
            "operation": name,
            "requests": operation.requests,
            "calls": operation.calls,
            "retries": operation.retries,
            "read": dict(operation.read),
            "write": dict(operation.write),
            "read_share": operation.read_units / counted.read_units if counted.read_units else 0,
            "write_share": operation.write_units / counted.write_units if counted.write_units else 0,
            "read_a_request": operation.a_request(operation.read_units),
            "write_a_request": operation.a_request(operation.write_units),
        }


def show_change(console: Console, before: Sequence[Capacity], after: Sequence[Capacity]) -> None:
    """What is, and what will be."""
    console.table(
        ("", "is", "will be"),
        ((old.name, _bought(old), _bought(new)) for old, new in zip(before, after, strict=True)),
    )


def _bought(capacity: Capacity) -> str:
    return "on demand" if capacity.on_demand else f"{capacity.read:,} RCU, {capacity.write:,} WCU"


def show_scalings(console: Console, scalings: Sequence[Scaling]) -> None:
    """What auto scaling is told."""
    console.table(
        ("", "from", "to", "target"),
        (
            (f"{f'index {each.index}' if each.index else 'table'}, {each.direction.lower()}", each.least, each.most,
             "none" if each.target is None else f"{each.target:g} %")
            for each in scalings
        ),
        right=("from", "to", "target"),
    )  # fmt: skip
    if not scalings:
        console.say("Nothing is scaled.")
