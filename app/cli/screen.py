"""Tables and progress bars by rich, which takes 0.1 s to load: `Console` imports this when it shows one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console as Screen
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


def show_table(
    stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()
) -> None:
    """Print aligned rows; `right` names the columns that hold numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    _screen(stream).print(table)


@contextmanager
def progress_bar(stream: TextIO, title: str, *, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar with the rate and the time left, if the stream is a terminal."""
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), "{task.fields[rate]}", TimeRemainingColumn())
    screen = _screen(stream)
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total, rate="")

        def advance(count: int) -> None:
            bar.update(task, advance=count, rate=f"{bar.tasks[0].speed or 0:,.0f}/s")

        yield advance


def _screen(stream: TextIO) -> Screen:
    """Return rich's console, which wraps lines only on a terminal."""
    return Screen(file=stream, width=None if stream.isatty() else 10_000, highlight=False, emoji=False)
