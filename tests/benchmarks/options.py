"""The options of a run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The rounds of each part, and whether the service has a Valkey and growth goes to its end."""

    rounds: int = 5
    with_valkey: bool = False
    is_long: bool = False
