"""Pictures of what a table's units went to, as PNG. Needs the extra `plot`: pip install 'cruddur-messages[plot]'."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from app.cli.capacity.service_metrics import Counted
from app.cli.capacity.throughput import Series

COLOURS: Final = {"consumed": "#2f6fde", "provisioned": "#9aa3b2", "throttled": "#d64545"}
AXIS: Final = {"labelOverlap": True, "format": "%d %b %H:%M"}
SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
"""A name, not an address: nothing is fetched."""


class PlotMissing(Exception):
    """The library that draws is not installed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: the course of the table's units, and what each operation of the service used of them."""

    title: str
    usage: Sequence[Series]
    counted: Counted | None = None

    def parts(self) -> list[dict[str, Any]]:
        """The charts, one below the other; those that would be empty are left out."""
        parts = [_courses(self.usage)] if self.usage else []
        if self.counted and self.counted.operations:
            parts.append(_operations(self.counted))
        return parts


def save(file: Path, picture: Picture) -> None:
    """Write it as PNG."""
    try:
        import vl_convert  # noqa: PLC0415  # an extra
    except ImportError:
        raise PlotMissing from None
    chart = {
        "$schema": SCHEMA,
        "title": picture.title,
        "vconcat": picture.parts(),
        "resolve": {"scale": {"color": "independent"}},
        "config": {"background": "white", "view": {"stroke": "#dddddd"}},
    }
    file.write_bytes(vl_convert.vegalite_to_png(chart, scale=2))


def _courses(usage: Sequence[Series]) -> dict[str, Any]:
    """One small chart for each resource and direction, in units a second; throttled calls are drawn as points."""
    return {
        "data": {"values": list(_points(usage))},
        "facet": {"field": "what", "type": "nominal", "title": None, "sort": list(map(_title, usage))},
        "columns": 2,
        "spec": {"width": 420, "height": 150, "layer": [_lines(), _throttles()]},
        "resolve": {"scale": {"y": "independent"}},
    }


def _operations(counted: Counted) -> dict[str, Any]:
    """A bar for each operation and direction."""
    values = [
        {"operation": name, "units": units, "kind": kind}
        for name, operation in counted.operations.items()
        for kind, units in (("RCU", operation.read_units), ("WCU", operation.write_units))
    ]
    return {
        "title": f"Units by operation since {counted.since:%d %b %H:%M} UTC",
        "data": {"values": values},
        "mark": "bar",
        "width": 880,
        "encoding": {
            "y": {"field": "operation", "type": "nominal", "title": None, "sort": list(counted.operations)},
            "yOffset": {"field": "kind"},
            "x": {"field": "units", "type": "quantitative", "title": "units"},
            "color": {"field": "kind", "type": "nominal", "title": None, "scale": {"range": list(COLOURS.values())}},
        },
    }


def _points(usage: Sequence[Series]) -> Iterator[dict[str, Any]]:
    """What is drawn: one row for each point of each line. On demand there are no units, so none are drawn."""
    for series in usage:
        kinds = {"consumed": series.per_second(), "throttled": series.throttled}
        if any(series.provisioned):
            kinds["provisioned"] = series.provisioned
        for kind, values in kinds.items():
            for at, value in enumerate(values):
                time = series.start + timedelta(seconds=at * series.step)
                yield {"what": _title(series), "kind": kind, "at": time.isoformat(), "value": value}


def _title(series: Series) -> str:
    return f"{series.index or 'table'}: {'RCU' if series.direction == 'Read' else 'WCU'} a second"


def _lines() -> dict[str, Any]:
    return {
        "transform": [{"filter": "datum.kind != 'throttled'"}],
        "mark": {"type": "line", "interpolate": "step-after"},
        "encoding": {**_place(), "color": _colour()},
    }


def _throttles() -> dict[str, Any]:
    return {
        "transform": [{"filter": "datum.kind == 'throttled' && datum.value > 0"}],
        "mark": {"type": "point", "filled": True},
        "encoding": {**_place(), "color": _colour()},
    }


def _place() -> dict[str, Any]:
    return {
        "x": {"field": "at", "type": "temporal", "title": "UTC", "scale": {"type": "utc"}, "axis": AXIS},
        "y": {"field": "value", "type": "quantitative", "title": None},
    }


def _colour() -> dict[str, Any]:
    scale = {"domain": list(COLOURS), "range": list(COLOURS.values())}
    return {"field": "kind", "type": "nominal", "title": None, "scale": scale}
