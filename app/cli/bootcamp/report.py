"""The report of import-bootcamp: what becomes of old groups and people, what is left behind, and the numbers."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from app.cli.bootcamp.archive import Archive
from app.cli.bootcamp.merge import Merge
from app.cli.bootcamp.people import Match
from app.cli.console import Console, readable
from app.cli.failures import Failure

Record = dict[str, Any]


class Report:
    """Shows an archive; of each list the first `limit`, with JSON all."""

    def __init__(self, console: Console, archive: Archive, *, limit: int | None) -> None:
        self._console = console
        self._archive = archive
        self._limit = None if console.json else limit
        self._matches: Counter[str] = Counter()
        self.missing = sum(pair.missing for pair in archive.logs())

    def show(self) -> None:
        """Show the lists."""
        self._list(
            ["old group", "group", "between", "messages", "missing"], self._moves(), right=["messages", "missing"]
        )
        self._list(["user", "finding", "handle", "name"], self._people())
        self._list(["left behind", "reason"], ({"left behind": t, "reason": why} for t, why in self._archive.left()))

    def _moves(self) -> Iterator[Record]:
        for old, group, one, other, messages, missing in self._archive.moves():
            between = " ".join(f"@{self._archive.handle(user)}" for user in (one, other))
            counts = {"messages": messages, "missing": missing}
            yield {"old group": old, "group": group, "between": between, **counts}

    def _people(self) -> Iterator[Record]:
        for person, target, match in self._archive.decisions():
            self._matches[match] += 1
            if match != Match.KNOWN:
                finding = f"{match}, {target}" if match == Match.SAME_HANDLE else match
                yield {"user": person.uuid, "finding": finding, "handle": f"@{person.handle}", "name": person.name}

    def _list(self, columns: list[str], found: Iterator[Record], *, right: Iterable[str] = ()) -> None:
        rows = []
        for record in islice(found, self._limit):
            self._console.record({name.replace(" ", "_"): value for name, value in record.items()})
            rows += [] if self._console.json else [[readable(str(record[name])) for name in columns]]
        if rows:
            self._console.table(columns, rows, right=right)
        if more := sum(1 for _ in found):
            self._console.say(f"… and {more:,} more: --all shows them")
        if rows:
            self._console.say("")

    @property
    def action(self) -> str:
        """Return what --apply does, in words."""
        return f"write {self.missing:,} messages and create {self._new_users:,} users"

    @property
    def _new_users(self) -> int:
        return self._matches[Match.NEW] + self._matches[Match.OTHER_HANDLE]

    def end(self, merge: Merge | None) -> None:
        """Show the numbers, without a merge those of a dry run; raise a Failure if anything is left behind."""
        counts = self._archive.counts()
        there = counts["messages"] - self.missing
        self._console.say(
            f"Old groups: {counts['old_groups']:,}, of pairs: {counts['pairs']:,}."
            f" Messages: {counts['messages']:,}, there already: {there:,}, new: {self.missing:,}."
            f" New users: {self._new_users:,}."
        )
        done = {"written": merge.written, "late": merge.late} if merge else {}
        self._console.record(counts | {"missing": self.missing, "users": self._matches, **done})
        self._console.say(merge.result if merge else "Nothing was written: --apply does it.")
        if others := self._matches[Match.OTHER_HANDLE]:
            self._console.note(
                f"{others:,} people get a handle like user_…, as theirs is invalid or that of another user;"
                " --match-handles takes the user with the same handle for the same person."
            )
        if counts["left"]:
            raise Failure(f"{counts['left']:,} groups or items of the old table are left behind, as listed.")
