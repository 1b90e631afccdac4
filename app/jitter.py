"""Full jitter: those who failed together do not come back together."""

import random


def jitter(most: float) -> float:
    """Seconds to wait, anything up to the most."""
    return random.uniform(0, most)  # noqa: S311  # spreads load, guards nothing
