"""The output of an export, which has its name once it is whole, and from which an interrupted export goes on."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID

from app.cli.conversations.catalogue import Catalogue
from app.cli.conversations.lines import LINE, BlockLine, EndLine, ErasureLine, Line, SettingsLine, UserLine, end_line

WITHOUT_GROUP: Final = BlockLine, UserLine, SettingsLine, ErasureLine, EndLine


@dataclass(slots=True)
class ExportFile:
    """An export that is being written, with the numbers of its lines."""

    file: TextIO
    written: Counter[str] = field(default_factory=Counter)

    def write(self, line: Line) -> None:
        self.file.write(line.model_dump_json() + "\n")
        self.written[line.entity] += 1

    def write_all(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.write(line)

    def end(self, *, users: bool) -> str:
        """Write the last line, and return the numbers of the others in words, those of users if wanted."""
        counts = self.written.copy()
        self.write(end_line(counts))
        told = f"messages: {counts['message']:,}, changes: {counts['change']:,}, inbox rows: {counts['inbox_row']:,}"
        return f"{told}, users: {counts['user']:,}" if users else told


@contextmanager
def open_export(output: Path | None, resumed: Catalogue | None) -> Iterator[ExportFile]:
    """Open the output. A file gets its name when it is whole; with a catalogue an interrupted one is gone on with."""
    if output is None or (output.exists() and not output.is_file()):
        with open(output or sys.stdout.fileno(), "w", encoding="utf-8", closefd=output is not None) as file:
            yield ExportFile(file)
        return
    with open_part(output) as (file, part):
        written, size = _whole_groups(part, resumed) if resumed else (Counter[str](), 0)
        file.truncate(size)
        file.seek(size)
        yield ExportFile(file, written)


@contextmanager
def open_part(output: Path) -> Iterator[tuple[TextIO, Path]]:
    """Open a file of the owner's, with what it had before, and .part behind its name until the block ends."""
    part = output.with_name(f"{output.name}.part")
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        yield file, part
    part.replace(output)


def _whole_groups(part: Path, catalogue: Catalogue) -> tuple[Counter[str], int]:
    """Record the groups that are whole in an interrupted file, and return the numbers and the size of their lines.

    The last group may lack messages or rows, so it does not count.
    """
    written, size = Counter[str](), 0
    for (group, counts, length), _ in pairwise(_groups(part)):
        if group:
            catalogue.record_done(group)
            written += counts
            size += length
    return written, size


def _groups(part: Path) -> Iterator[tuple[UUID | None, Counter[str], int]]:
    """Yield each group, and None for what follows the groups, with the numbers and the size of its lines."""
    for group, lines in groupby(_readable_lines(part), key=itemgetter(0)):
        counts, size = Counter[str](), 0
        for _, entity, length in lines:
            counts[entity] += 1
            size += length
        yield group, counts, size


def _readable_lines(part: Path) -> Iterator[tuple[UUID | None, str, int]]:
    """Yield group, entity and size of each line, up to the one that was being written, or the first without group."""
    with part.open("rb") as lines, suppress(ValueError):
        for text in lines:
            line = LINE.validate_json(text)
            if isinstance(line, WITHOUT_GROUP):  # which is written anew, and so are those after it
                yield None, line.entity, len(text)
                return
            yield line.group_uuid, line.entity, len(text)
