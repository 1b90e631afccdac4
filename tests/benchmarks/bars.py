"""The bars that figures are held against, by subject and quantity."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.attacker import KINDS
from tests.benchmarks.figures import Figure, number


@dataclass(frozen=True, slots=True)
class Bar:
    """The value that a figure should not exceed, or, `at_least`, should reach; and the first step towards it."""

    value: float
    first_step: float | None = None
    at_least: bool = False

    def share(self, value: float) -> float:
        """Return the value as a share of the bar, at most 1 if the bar is met."""
        return self.value / value if self.at_least else value / self.value

    def is_first_step_met(self, value: float) -> bool:
        step = self.value if self.first_step is None else self.first_step
        return value >= step if self.at_least else value <= step

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {number(self.value)}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside its bar, if it has one."""

    figure: Figure
    bar: Bar | None

    @property
    def is_met(self) -> bool | None:
        return self.bar.share(self.figure.median) <= 1 if self.bar else None

    @property
    def word(self) -> str:
        """Return `met`, `first step`, `not met`, or nothing without a bar."""
        if self.bar is None or self.is_met:
            return "met" if self.bar else ""
        return "first step" if self.bar.is_first_step_met(self.figure.median) else "not met"


ATTACKS: Final = {
    **{(kind, f"{call}, p99 against alone"): Bar(3) for kind in KINDS for call in ("send", "read")},
    **{(kind, "bystanders' calls served"): Bar(99.9, at_least=True) for kind in KINDS},
    **{(kind, "cost of a day"): Bar(0.3) for kind in KINDS},
}
"""The bars of each attack, by its name. The cost is that of 5 RCU and 4 WCU a second, which any account may take."""
BARS: Final = {
    ("aioboto3", "ours against it"): Bar(0.1, 0.2),
    ("aiodynamo", "ours against it"): Bar(0.3, 0.65),
    ("counter", "bare calls"): Bar(1.4, 2),
    ("search", "bare calls"): Bar(4.7, 6),
    ("sync of 21 groups", "bare calls"): Bar(8, 10),
    ("20 messages", "bare calls"): Bar(6, 8.5),
    ("50 messages", "bare calls"): Bar(8.5, 11),
    ("inbox of 21", "bare calls"): Bar(6.5, 8.5),
    ("send", "bare calls"): Bar(7.5, 11.5),
    ("20 messages, Flask", "our throughput against it"): Bar(18, 13, at_least=True),
    ("inbox of 21, Flask", "our throughput against it"): Bar(15, 12, at_least=True),
    ("send, Flask", "our throughput against it"): Bar(8, 6, at_least=True),
    ("20 messages, Synapse", "our CPU against it"): Bar(1 / 9, 1 / 6),
    ("inbox of 21 by /sync, Synapse", "our CPU against it"): Bar(1 / 150, 1 / 100),
    ("inbox of 21 by sliding sync, Synapse", "our CPU against it"): Bar(1 / 50, 1 / 35),
    ("send, Synapse", "our CPU against it"): Bar(1 / 17, 1 / 14),
    ("send, Prosody", "our CPU against it"): Bar(1, 1.5),
    ("inbox page, 10,000 groups", "units"): Bar(12),
    ("inbox page, 10,000 groups", "CPU against the smallest"): Bar(2),
    ("counter after a change, 10,000 groups", "units"): Bar(12),
    ("counter after a change, 10,000 groups", "CPU against the smallest"): Bar(2),
    ("newest 20, 100,000 messages", "CPU against the smallest"): Bar(1.1),
    ("newest 20, 1,000,000 messages", "CPU against the smallest"): Bar(1.1),
    ("send, 100,000 messages", "CPU against the smallest"): Bar(1.1),
    ("send, 1,000,000 messages", "CPU against the smallest"): Bar(1.1),
    ("send with after 0, 100,000 messages", "CPU against send"): Bar(2),
    ("send with after 0, 1,000,000 messages", "CPU against send"): Bar(2),
    ("send with an old after, 100,000 messages", "CPU against send"): Bar(2),
    ("send with an old after, 1,000,000 messages", "CPU against send"): Bar(2),
    ("start", "memory"): Bar(110),
    ("100,000 requests", "memory against 10,000"): Bar(1.05),
    ("1,000 streams", "memory"): Bar(60),
    ("1,000 streams", "delay"): Bar(20),
    ("1,000 streams", "CPU at rest"): Bar(3),
    ("two processes", "CPU against one"): Bar(1.05),
    ("two processes", "share in the worst try"): Bar(60),
    **ATTACKS,
}
"""By subject and quantity. A first step is a milestone on the way to the bar."""


def judged(figures: Iterable[Figure]) -> Iterator[Verdict]:
    """Yield each figure beside its bar."""
    for figure in figures:
        yield Verdict(figure, BARS.get((figure.subject, figure.quantity)))
