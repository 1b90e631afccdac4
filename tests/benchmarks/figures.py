"""Figures: what a part of the benchmarks measured, a value for each round."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10


@dataclass(frozen=True)
class Figure:
    """A quantity of a subject. Its value is the median of the rounds; the spread is their least and greatest value."""

    subject: str
    quantity: str
    unit: str
    rounds: Sequence[float]

    @property
    def name(self) -> str:
        return f"{self.subject}, {self.quantity}"

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
        return {
            "subject": self.subject,
            "quantity": self.quantity,
            "unit": self.unit,
            "median": self.median,
            "low": low,
            "high": high,
        }


class Rounds:
    """Collects the values of figures round by round."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str], list[float]] = {}

    def add(self, subject: str, quantity: str, unit: str, value: float) -> float:
        """Add a round's value, and return it."""
        self._values.setdefault((subject, quantity, unit), []).append(value)
        return value

    def figures(self) -> list[Figure]:
        return [Figure(*names, values) for names, values in self._values.items()]


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
