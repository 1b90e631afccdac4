"""The output of a command: results on standard output, everything else on standard error.

Results are tables for people or JSON lines for machines. Progress bars and colours appear only on a terminal. Control
characters in the texts of users are spelled out, so that no message controls the terminal that shows it.
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console as Screen

Advance: TypeAlias = Callable[[int], None]


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
        from rich.table import Table  # noqa: PLC0415  # rich is slow to load, and --help does without
        from rich.text import Text  # noqa: PLC0415  # as above

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(columns))
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(local_time(each) if isinstance(each, datetime) else str(each)) for each in row))
        _screen(sys.stdout).print(table)

    @contextmanager
    def progress(self, title: str, *, total: int | None) -> Iterator[Advance]:
        """Show a bar on standard error with the rate and the time left, if that is a terminal."""
        from rich import progress  # noqa: PLC0415  # slow to load

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
        )
        screen = _screen(sys.stderr)
        with progress.Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
            task = bar.add_task(title, total=total, rate="")

            def advance(count: int) -> None:
                bar.update(task, advance=count, rate=f"{bar.tasks[0].speed or 0:,.0f}/s")

            yield advance


def _screen(stream: Any) -> "Screen":
    """Return rich's console, which wraps lines only on a terminal."""
    from rich.console import Console as Screen  # noqa: PLC0415  # slow to load

    return Screen(file=stream, width=None if stream.isatty() else 10_000, highlight=False, emoji=False)


def local_time(at: datetime) -> str:
    """Return the time to the minute in this machine's time zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def readable(text: str) -> str:
    """Return a user's text on one line, with control, format and direction characters spelled out."""
    return "".join(map(_spelled_out, text))


def _spelled_out(character: str) -> str:
    if character == "\n":
        return " ⏎ "
    is_joiner = character in "\u200c\u200d"  # part of emoji and of several scripts
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and not is_joiner
    return f"\\u{ord(character):04x}" if hidden else character
