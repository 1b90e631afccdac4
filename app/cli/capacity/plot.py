"""Charts of a table's units, as PNG. Needs the extra `plot`: pip install 'cruddur-messages[plot]'."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from app.cli.capacity.service_metrics import ServiceMetrics
from app.cli.capacity.throughput import Series
from app.cli.failures import Code, Failure, output_errors_explained

COLOURS: Final = {"consumed": "#2f6fde", "provisioned": "#9aa3b2", "throttled": "#d64545"}
AXIS: Final = {"labelOverlap": True, "format": "%d %b %H:%M"}
SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
"""The name of the format; it is not fetched."""

UNITS: Final = {
    "x": {"field": "at", "type": "temporal", "title": "UTC", "scale": {"type": "utc"}, "axis": AXIS},
    "y": {"field": "value", "type": "quantitative", "title": None},
    "color": {
        "field": "kind",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(COLOURS), "range": list(COLOURS.values())},
    },
}
LINES: Final = {
    "transform": [{"filter": "datum.kind != 'throttled'"}],
    "mark": {"type": "line", "interpolate": "step-after"},
    "encoding": UNITS,
}
BARS: Final = {
    "yOffset": {"field": "kind"},
    "x": {"field": "units", "type": "quantitative", "title": "units"},
    "color": {"field": "kind", "type": "nominal", "title": None, "scale": {"range": list(COLOURS.values())}},
}
THROTTLES: Final = {
    "transform": [{"filter": "datum.kind == 'throttled' && datum.value > 0"}],
    "mark": {"type": "point", "filled": True},
    "encoding": UNITS,
}
COURSES: Final = {
    "columns": 2,
    "spec": {"width": 420, "height": 150, "layer": [LINES, THROTTLES]},
    "resolve": {"scale": {"y": "independent"}},
}
"""A chart for each resource and direction, in units a second, with throttled calls as points."""
LOOK: Final = {
    "resolve": {"scale": {"color": "independent"}},
    "config": {"background": "white", "view": {"stroke": "#dddddd"}},
}


@dataclass(frozen=True, slots=True)
class Picture:
    """The charts of a report: the units of the table over time, and by operation of the service."""

    title: str
    usage: Sequence[Series]
    metrics: ServiceMetrics | None = None

    def parts(self) -> list[dict[str, Any]]:
        """Return the charts that have data, one below the other, or raise a Failure if there is none."""
        parts = []
        if self.usage:
            facet = {"field": "what", "type": "nominal", "title": None, "sort": list(map(_title, self.usage))}
            parts.append({"data": {"values": list(_points(self.usage))}, "facet": facet, **COURSES})
        if self.metrics and self.metrics.operations:
            parts.append(_operations(self.metrics))
        if not parts:
            raise Failure("Nothing was drawn: there are no metrics to draw")
        return parts


def save(file: Path, picture: Picture) -> None:
    """Write the picture as PNG, or raise a Failure."""
    chart = {"$schema": SCHEMA, "title": picture.title, "vconcat": picture.parts(), **LOOK}
    try:
        import vl_convert  # noqa: PLC0415  # of the extra "plot", which may be missing
    except ImportError:
        raise Failure("Drawing needs an extra: pip install 'cruddur-messages[plot]'", Code.USAGE) from None
    with output_errors_explained(file):
        file.write_bytes(vl_convert.vegalite_to_png(chart, scale=2))


def _operations(metrics: ServiceMetrics) -> dict[str, Any]:
    """Return a chart with a bar for each operation and direction."""
    values = [
        {"operation": name, "units": units, "kind": kind}
        for name, operation in metrics.operations.items()
        for kind, units in (("RCU", operation.read_units), ("WCU", operation.write_units))
    ]
    names = {"field": "operation", "type": "nominal", "title": None, "sort": list(metrics.operations)}
    title = f"Units by operation since {metrics.since:%d %b %H:%M} UTC"
    return {"title": title, "data": {"values": values}, "encoding": {"y": names, **BARS}, "mark": "bar", "width": 880}


def _points(usage: Sequence[Series]) -> Iterator[dict[str, Any]]:
    """Yield a row for each point of each line; on demand there is no line of provisioned units."""
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
