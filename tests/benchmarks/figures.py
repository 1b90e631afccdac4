"""Figures: what a part of the benchmarks measured, a value for each round."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10


@dataclass(frozen=True)
class Figure:
    """A measured quantity. Its value is the median of the rounds; the spread is their least and greatest value."""

    name: str
    unit: str
    rounds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.rounds), max(self.rounds)

    def __str__(self) -> str:
        return f"{number(self.median)} {self.unit}".strip()

    def record(self) -> dict[str, object]:
        """Return what the JSON file says about this figure."""
        low, high = self.spread
        return {"name": self.name, "unit": self.unit, "median": self.median, "low": low, "high": high}


class Rounds:
    """Collects the values of figures round by round."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[float]] = {}

    def add(self, name: str, unit: str, value: float) -> float:
        """Add a round's value, and return it."""
        self._values.setdefault((name, unit), []).append(value)
        return value

    def figures(self) -> list[Figure]:
        return [Figure(name, unit, values) for (name, unit), values in self._values.items()]


def number(value: float) -> str:
    """Return a number with three significant digits, and thousands with commas."""
    if value == 0:
        return "0"
    digits = max(0, 2 - int(log10(abs(value)) // 1))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def say(*lines: str) -> None:
    """Print progress at once."""
    print(*lines, sep="\n", flush=True)
