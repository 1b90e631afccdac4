"""The results of a run: lines for the terminal, a table in Markdown, a JSON file and a picture."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import vl_convert

from tests.benchmarks.bars import Verdict, judged
from tests.benchmarks.figures import Figure, number
from tests.benchmarks.processes import Machine

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
"""The name of the format; it is not fetched."""
COLOURS: Final = {"met": "#2f6fde", "first step": "#e0a030", "not met": "#d64545"}

LEAST_SHARE: Final = 0.001
"""The least share of a bar on the picture's scale, which has no 0."""

Parts = Mapping[str, Sequence[Figure]]


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield a line for each figure, with its spread, and its bar if it has one."""
    for verdict in judged(figures):
        low, high = map(number, verdict.figure.spread)
        spread = f"{low} to {high}" if low != high else ""
        bar = f"bar {verdict.bar}: {verdict.word}" if verdict.bar else ""
        yield f"  {verdict.figure.name:64} {verdict.figure!s:>16}  {spread:20} {bar}".rstrip()


def summary(parts: Parts) -> str:
    """Return how many bars are met, and the names of the others."""
    verdicts = [verdict for figures in parts.values() for verdict in judged(figures) if verdict.bar]
    short = [f"\n  {verdict.word}: {verdict.figure.name}" for verdict in verdicts if not verdict.is_met]
    return f"{len(verdicts) - len(short)} of {len(verdicts)} bars that have a figure are met.{''.join(short)}"


def markdown(parts: Parts, machine: Machine, at: datetime) -> str:
    """Return a table for each part."""
    tables = (table(name, figures) for name, figures in parts.items() if figures)
    return "\n\n".join([f"Measured on {at:%d %B %Y}, {machine}.", *tables])


def table(name: str, figures: Sequence[Figure]) -> str:
    """Return the table of a part: the longer of subjects and quantities as rows, the other as columns."""
    cells = {(v.figure.subject, _quantity(v.figure)): _cell(v) for v in judged(figures)}
    subjects, quantities = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    is_long = len(subjects) >= len(quantities)
    rows, columns = (subjects, quantities) if is_long else (quantities, subjects)
    lines = [[name, *columns], ["---"] * (1 + len(columns))]
    lines += [[row, *(cells.get((row, col) if is_long else (col, row), "") for col in columns)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _quantity(figure: Figure) -> str:
    return f"{figure.quantity}, {figure.unit}" if figure.unit else figure.quantity


def _cell(verdict: Verdict) -> str:
    """Return a median, its spread in brackets, and its bar if it has one."""
    low, high = map(number, verdict.figure.spread)
    spread = f" ({low}–{high})" if low != high else ""
    bar = f"; {verdict.bar}: {verdict.word}" if verdict.bar else ""
    return f"{number(verdict.figure.median)}{spread}{bar}"


def save(folder: Path, parts: Parts, machine: Machine, at: datetime) -> None:
    """Write `bench.json`, `bench.md` and `bench.png` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"at": at.isoformat(timespec="seconds"), "machine": machine.record()}
    figures = {name: [_record(verdict) for verdict in judged(figures)] for name, figures in parts.items()}
    content = json.dumps(record | {"parts": figures}, indent=1, ensure_ascii=False)
    (folder / "bench.json").write_text(content + "\n")
    (folder / "bench.md").write_text(markdown(parts, machine, at) + "\n")
    bars = [verdict for figures in parts.values() for verdict in judged(figures) if verdict.bar]
    if bars:
        (folder / "bench.png").write_bytes(
            vl_convert.vegalite_to_png(_chart(bars, f"{at:%d %B %Y}, {machine}"), scale=2)
        )


def _record(verdict: Verdict) -> dict[str, Any]:
    bar = asdict(verdict.bar) | {"met": verdict.is_met} if verdict.bar else {}
    return verdict.figure.record() | bar


def _chart(verdicts: Sequence[Verdict], title: str) -> dict[str, Any]:
    """Return a chart of each figure as a share of its bar, on a logarithmic scale with the bars at 1."""
    values = [_point(verdict) for verdict in verdicts]
    names: dict[str, Any] = {
        "field": "name",
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"labelLimit": 400},
    }
    share = {"field": "share", "type": "quantitative", "scale": {"type": "log"}, "title": "measured, in bars"}
    colour = {"field": "verdict", "scale": {"domain": list(COLOURS), "range": list(COLOURS.values())}, "title": None}
    spread = {"mark": "rule", "encoding": {"x": share | {"field": "low"}, "x2": {"field": "high"}, "y": names}}
    median = {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {"x": share, "y": names}}
    layers = [spread, median, {"mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": {"x": {"datum": 1}}}]
    return {
        "$schema": SCHEMA,
        "title": title,
        "data": {"values": values},
        "width": 560,
        "encoding": {"color": colour},
        "layer": layers,
        "config": {"background": "white"},
    }


def _point(verdict: Verdict) -> dict[str, Any]:
    assert verdict.bar
    shares = (max(LEAST_SHARE, verdict.bar.share(value)) for value in (verdict.figure.median, *verdict.figure.spread))
    name = f"{verdict.figure.name}: {verdict.figure} ({verdict.bar})"
    return {"name": name, "verdict": verdict.word, **dict(zip(("share", "low", "high"), shares, strict=True))}
