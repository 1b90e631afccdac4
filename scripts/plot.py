"""Pictures of what a table used, as PNG. Needs the extra `plot`: pip install 'cruddur-messages[plot]'."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from scripts.throughput import Series

COLOURS: Final = {"consumed": "#2f6fde", "provisioned": "#9aa3b2", "throttled": "#d64545"}
AXIS: Final = {"labelOverlap": True, "format": "%d %b %H:%M"}
SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
"""A name, not an address: nothing is fetched."""


class PlotMissing(Exception):
    """The library that draws is not installed."""


def save(file: Path, title: str, usage: Sequence[Series]) -> None:
    """One small chart for each resource and direction, in units a second; throttled calls are drawn as points."""
    try:
        import vl_convert  # noqa: PLC0415  # an extra
    except ImportError:
        raise PlotMissing from None
    file.write_bytes(vl_convert.vegalite_to_png(_chart(title, usage), scale=2))


def _chart(title: str, usage: Sequence[Series]) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "title": title,
        "data": {"values": list(_points(usage))},
        "facet": {"field": "what", "type": "nominal", "title": None, "sort": list(map(_title, usage))},
        "columns": 2,
        "spec": {"width": 420, "height": 150, "layer": [_lines(), _throttles()]},
        "resolve": {"scale": {"y": "independent"}},
        "config": {"background": "white", "view": {"stroke": "#dddddd"}},
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
