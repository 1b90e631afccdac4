"""A clock that moves when a test says so."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Returns the seconds that a test has set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
