"""How units and their course look on a terminal."""

from collections.abc import Sequence
from typing import Any, Final

from scripts.cli.console import Console
from scripts.throughput import DIRECTIONS, Capacity, Direction, Scaling, Series

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
