"""The bars that figures are held against, by the figures' names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

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
        """Return `met`, `not met`, or nothing without a bar."""
        return {None: "", True: "met", False: "not met"}[self.is_met]


BARS: Final = {
    "Query of 20 items, against aioboto3": Bar(0.1, 0.2),
    "Query of 20 items, against aiodynamo": Bar(0.3, 0.65),
    "counter": Bar(1.4, 2),
    "search": Bar(4.7, 6),
    "sync of 21 groups": Bar(8, 10),
    "20 messages": Bar(6, 8.5),
    "50 messages": Bar(8.5, 11),
    "inbox of 21": Bar(6.5, 8.5),
    "send": Bar(7.5, 11.5),
    "20 messages, throughput against Flask": Bar(18, 13, at_least=True),
    "inbox of 21, throughput against Flask": Bar(15, 12, at_least=True),
    "send, throughput against Flask": Bar(8, 6, at_least=True),
    "20 messages, CPU against Synapse": Bar(1 / 9, 1 / 6),
    "send, CPU against Synapse": Bar(1 / 17, 1 / 14),
    "inbox of 21 by /sync, CPU against Synapse": Bar(1 / 150, 1 / 100),
    "inbox of 21 by sliding sync, CPU against Synapse": Bar(1 / 50, 1 / 35),
    "send, CPU against Prosody": Bar(1.0, 1.5),
    "inbox page, 10,000 groups, CPU against 20 groups": Bar(2),
    "inbox page, 10,000 groups, units": Bar(12),
    "counter after a change, 10,000 groups, CPU against 20 groups": Bar(2),
    "counter after a change, 10,000 groups, units": Bar(12),
    "newest 20, 100,000 messages, CPU against 100 messages": Bar(1.1),
    "newest 20, 1,000,000 messages, CPU against 100 messages": Bar(1.1),
    "send, 100,000 messages, CPU against 100 messages": Bar(1.1),
    "send, 1,000,000 messages, CPU against 100 messages": Bar(1.1),
    "send with after 0, 100,000 messages, CPU against send": Bar(2),
    "idle memory": Bar(110),
    "memory after 100,000 requests, against 10,000": Bar(1.05),
    "memory of 1,000 streams": Bar(60),
    "delay with 1,000 streams": Bar(20),
    "CPU of 1,000 streams at rest": Bar(3),
    "CPU per request of two processes, against one": Bar(1.05),
    "share of the busier of two processes, worst try": Bar(60),
}


def judged(figures: Iterable[Figure]) -> Iterator[Verdict]:
    """Yield each figure beside its bar."""
    for figure in figures:
        yield Verdict(figure, BARS.get(figure.name))
