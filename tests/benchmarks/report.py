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
COLOURS: Final = {"met": "#2f6fde", "not met": "#d64545"}

Parts = Mapping[str, Sequence[Figure]]


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield a line for each figure, with its spread, and its bar if it has one."""
    for verdict in judged(figures):
        low, high = map(number, verdict.figure.spread)
        spread = f"{low} to {high}" if len(verdict.figure.rounds) > 1 else ""
        bar = f"bar {verdict.bar}: {verdict.word}" if verdict.bar else ""
        yield f"  {verdict.figure.name:50} {verdict.figure!s:>18}  {spread:20} {bar}".rstrip()


def markdown(parts: Parts, machine: Machine, at: datetime) -> str:
    """Return a table for each part."""
    texts = [f"Measured on {at:%d %B %Y}, {machine}."]
    for name, figures in parts.items():
        rows = [_row(verdict) for verdict in judged(figures)]
        texts.append(
            "\n".join([f"**{name}**", "", "| what | median | spread | bar | |", "|---|---|---|---|---|", *rows])
        )
    return "\n\n".join(texts) + "\n"


def _row(verdict: Verdict) -> str:
    low, high = map(number, verdict.figure.spread)
    spread = f"{low}–{high}" if len(verdict.figure.rounds) > 1 else ""
    return f"| {verdict.figure.name} | {verdict.figure} | {spread} | {verdict.bar or ''} | {verdict.word} |"


def save(folder: Path, parts: Parts, machine: Machine, at: datetime) -> None:
    """Write `bench.json`, `bench.md` and `bench.png` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"at": at.isoformat(timespec="seconds"), "machine": machine.record()}
    figures = {name: [_record(verdict) for verdict in judged(figures)] for name, figures in parts.items()}
    content = json.dumps(record | {"parts": figures}, indent=1, ensure_ascii=False)
    (folder / "bench.json").write_text(content + "\n")
    (folder / "bench.md").write_text(markdown(parts, machine, at))
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
    shares = (verdict.bar.share(value) for value in (verdict.figure.median, *verdict.figure.spread))
    name = f"{verdict.figure.name}: {verdict.figure} ({verdict.bar})"
    return {"name": name, "verdict": verdict.word, **dict(zip(("share", "low", "high"), shares, strict=True))}
