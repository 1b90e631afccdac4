"""Tables and records of units, for the capacity commands."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from app.cli.capacity.pricing import AS_OF, Plan, Workload
from app.cli.capacity.service_metrics import TABLE, Operation, ServiceMetrics
from app.cli.capacity.throughput import DIRECTIONS, Capacity, Direction, Scaling, Series
from app.cli.console import Console, attributes, local_time

BLOCKS: Final = " ▁▂▃▄▅▆▇█"


def show_workload(console: Console, workload: Workload) -> None:
    """Show a line for each operation of a workload: its rate, and the units of each."""
    rows = (
        (name, f"{rate:.2f}", f"{each.all_writes:g}", f"{each.read:g}")
        for name, (rate, each) in workload.operations().items()
    )
    columns = ("operation", "a second", "WCU each", "RCU each")
    console.table(columns, rows, right=columns[1:])
    console.say("")


def show_plan(console: Console, plan: Plan) -> None:
    """Show the units of a workload, and those to provision."""
    rows = (
        ("table, write", plan.average.write, plan.peak.write, plan.provisioned.write),
        ("table, read", plan.average.read, plan.peak.read, plan.provisioned.read),
        ("index, write", plan.average.index_write, plan.peak.index_write, plan.provisioned.index_write),
        ("index, read", 0, 0, plan.provisioned.index_read),
    )
    columns = ("units a second", "average", "peak", "to provision")
    shown = ((name, f"{average:,.1f}", f"{peak:,.1f}", f"{units:,}") for name, average, peak, units in rows)
    console.table(columns, shown, right=columns[1:])
    console.say("")


def show_costs(console: Console, plan: Plan, *, months: int) -> None:
    """Show the dollars of a workload, the cheaper billing mode, and what no units help against."""
    dollars = {
        "on demand": plan.on_demand,
        "provisioned for the peak": plan.fixed,
        "provisioned, scaled without delay (lower bound)": plan.scaled,
        f"storage and backups after {months} months": plan.storage,
    }
    console.table(("dollars a month", ""), ((name, f"{each:,.2f}") for name, each in dollars.items()), right=("",))
    console.say("")
    console.say(f"Storage grows by {plan.month_gb:,.2f} GB a month, to {plan.stored_gb:,.2f} GB after {months} months.")
    console.say(f"Prices are assumptions: {AS_OF}.")
    console.say(f"Cheaper: {plan.advice}.")
    for warning in plan.warnings:
        console.say(f"Too hot, whatever is provisioned: {warning}.")


def show_report(console: Console, capacities: Sequence[Capacity], usage: Sequence[Series], *, hours: float) -> None:
    """Show a line for each resource and direction, with a sparkline of its use."""
    course = f"last {hours:g} h"
    console.table(
        ("", "paid", "units", "average", "peak", "throttled", course),
        (_row(each, direction, usage) for each in capacities for direction in DIRECTIONS),
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
    """Return a bar for each value, full at `top` and visible unless the value is 0."""
    if top <= 0:
        return BLOCKS[0] * len(values)
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[min(steps, max(1, round(value / top * steps)) if value > 0 else 0)] for value in values)


def usage_record(capacity: Capacity, usage: Sequence[Series]) -> dict[str, Any]:
    """Return the use of a resource in each direction, for a JSON record."""
    found = {direction: _series(usage, capacity, direction) for direction in DIRECTIONS}
    return {f"{direction.lower()}_usage": series.to_record() for direction, series in found.items() if series}


def show_operations(console: Console, metrics: ServiceMetrics) -> None:
    """Show a line for each API operation: its units, their share, and the units of one request."""
    columns = ("operation", "requests", "RCU", "share", "a request", "WCU", "share", "a request", "of index", "retried")
    processes = f"{metrics.processes} process" + ("es" if metrics.processes > 1 else "")
    console.say(f"\nBy operation, as the service counts it: {processes}, since {local_time(metrics.since)}")
    rows = [_operation_row(name, operation, metrics) for name, operation in metrics.operations.items()]
    console.table(columns, rows, right=columns[1:])
    if not rows:
        console.say("Nothing was used.")


def _operation_row(name: str, operation: Operation, metrics: ServiceMetrics) -> tuple[str, ...]:
    in_index = operation.units - operation.read[TABLE] - operation.write[TABLE]
    return (
        name,
        f"{operation.requests:,}" if operation.requests else "–",
        *_units(operation, operation.read_units, metrics.read_units),
        *_units(operation, operation.write_units, metrics.write_units),
        f"{in_index:,g}",
        f"{operation.retries:,}",
    )


def _units(operation: Operation, units: float, of: float) -> tuple[str, str, str]:
    one = operation.per_request(units)
    return (f"{units:,g}", f"{units / of:.0%}" if of else "–", "–" if one is None else f"{one:.3g}")


def operation_records(metrics: ServiceMetrics) -> Iterator[dict[str, Any]]:
    """Yield a JSON record for each API operation."""
    for name, operation in metrics.operations.items():
        yield {
            "operation": name,
            **attributes(operation, "requests", "calls", "retries", "read", "write"),
            "read_share": operation.read_units / metrics.read_units if metrics.read_units else 0,
            "write_share": operation.write_units / metrics.write_units if metrics.write_units else 0,
            "read_a_request": operation.per_request(operation.read_units),
            "write_a_request": operation.per_request(operation.write_units),
        }


def show_change(console: Console, before: Sequence[Capacity], after: Sequence[Capacity]) -> None:
    """Show the capacity before and after a change."""
    console.table(
        ("", "is", "will be"),
        ((old.name, _in_words(old), _in_words(new)) for old, new in zip(before, after, strict=True)),
    )


def _in_words(capacity: Capacity) -> str:
    return "on demand" if capacity.on_demand else f"{capacity.read:,} RCU, {capacity.write:,} WCU"


def show_scalings(console: Console, scalings: Sequence[Scaling]) -> None:
    """Show the auto scaling of each resource and direction."""
    rows = []
    for each in scalings:
        console.record(asdict(each))
        resource = f"index {each.index}" if each.index else "table"
        target = "none" if each.target is None else f"{each.target:g} %"
        rows.append((f"{resource}, {each.direction.lower()}", each.least, each.most, target))
    console.table(("", "from", "to", "target"), rows, right=("from", "to", "target"))
    if not scalings:
        console.say("Nothing is scaled.")
