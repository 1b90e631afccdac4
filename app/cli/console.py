"""The output of a command: results on standard output, everything else on standard error.

Results are tables for people or JSON lines for machines. Progress bars and colours appear only on a terminal. Control
characters in the texts of users are spelled out, so that no message controls the terminal that shows it.
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from app.cli.batches import batched

Advance: TypeAlias = Callable[[int], None]
T = TypeVar("T")

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The categories of control, format and direction characters, of halves of pairs, and of separators of lines."""
JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that are part of emoji and of several scripts."""


@dataclass(frozen=True, slots=True)
class Console:
    """Prints results. With `json`, standard output holds JSON lines only."""

    json: bool = False

    def say(self, text: str) -> None:
        """Print a line of the result, for people."""
        if not self.json:
            print(text)

    def note(self, text: str) -> None:
        """Print a line about the work itself, on standard error."""
        print(text, file=sys.stderr, flush=True)

    def record(self, value: Any) -> None:
        """Print an object of the result, for machines."""
        if self.json:
            print(json.dumps(value, ensure_ascii=False, default=str))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()) -> None:
        """Print aligned rows, for people; `right` names the columns that hold numbers."""
        if self.json:
            return
        from app.cli.screen import show_table  # noqa: PLC0415  # with rich: 0.1 s, which --help and --json do without

        texts = ([local_time(each) if isinstance(each, datetime) else str(each) for each in row] for row in rows)
        show_table(sys.stdout, columns, texts, right=right)

    def listing(self, records: Iterable[Any], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a list: an object for each value, for machines, or a row, for people."""
        for record in records:
            self.record(record)
        self.table(columns, rows)

    @contextmanager
    def progress(self, title: str, *, total: int | None) -> Iterator[Advance]:
        """Show a bar on standard error with the rate and the time left, if that is a terminal."""
        from app.cli.screen import progress_bar  # noqa: PLC0415  # with rich: 0.1 s, which --help does without

        with progress_bar(sys.stderr, title, total=total) as advance:
            yield advance

    def batches(self, title: str, values: Iterable[T], size: int, *, total: int) -> Generator[list[T], None, None]:
        """Yield the values in batches of this size, beside a bar of those that are done, until it is closed."""
        with self.progress(title, total=total) as advance:
            for batch in batched(values, size):
                yield batch
                advance(len(batch))


def attributes(of: object, *names: str) -> dict[str, Any]:
    """Return these attributes of an object for a record: times in ISO 8601, and sets of ids in their order."""
    values = {name: getattr(of, name) for name in names}
    values |= {name: each.isoformat() for name, each in values.items() if isinstance(each, datetime)}
    return values | {name: sorted(map(str, each)) for name, each in values.items() if isinstance(each, frozenset)}


def local_time(at: datetime) -> str:
    """Return the time to the minute in this machine's time zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def readable(text: str) -> str:
    """Return a user's text on one line, with control, format and direction characters spelled out."""
    hidden = {character for character in text if unicodedata.category(character) in HIDDEN} - JOINERS
    spelled_out = {ord(character): f"\\u{ord(character):04x}" for character in hidden}
    return text.translate(spelled_out | {ord("\n"): " ⏎ "})
