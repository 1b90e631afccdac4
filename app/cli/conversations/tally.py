"""The numbers of an import."""

from collections import Counter

from app.cli.console import Console


class Tally:
    """Counts what was written, what was kept, and what was found different."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.counts: Counter[str] = Counter()

    def count(self, written: int, *, of: int = 1) -> None:
        """Count values of which so many were written, and the others were there."""
        self.counts.update(written=written, kept=of - written)

    def report(self, difference: str) -> None:
        """Count and tell a difference."""
        self.counts["different"] += 1
        self._console.note(difference)
