"""The defects that verify finds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from app.cli.batches import batched
from app.messaging.row_models import InboxRow

INSPECTED_AT_ONCE: Final = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect. `user` is the owner of the inbox row, for a defect of a row."""

    kind: str
    detail: str
    group: UUID | None = None
    user: UUID | None = None
    repaired: bool = False

    def __str__(self) -> str:
        place = (f" group {self.group}" if self.group else "") + (f" user {self.user}" if self.user else "")
        return f"{self.kind}:{place}: {self.detail}{' (repaired)' if self.repaired else ''}"


async def findings_of(values: Iterable[T], inspect: Callable[[T], AsyncIterator[Finding]]) -> AsyncIterator[Finding]:
    """Yield what is found in the values, in their order. Several are inspected at a time, as each waits for writers."""

    async def found_in(value: T) -> list[Finding]:
        return [finding async for finding in inspect(value)]

    for batch in batched(values, INSPECTED_AT_ONCE):
        for found in await asyncio.gather(*map(found_in, batch)):
            for finding in found:
                yield finding


def differences(has: Mapping[str, object], wanted: Mapping[str, object], *, has_ended: bool) -> list[str]:
    """Return the names of what a row or a head holds of the last message and does not hold as wanted.

    The preview of one that has ended may be left or not: no read shows it, and a purge removes it.
    """
    return [name for name in has if has[name] != wanted[name] and not (has_ended and name == "preview")]


def mention_defect(row: InboxRow, mentioned: frozenset[int], *, is_cut: bool) -> tuple[str, str]:
    """Return the defect of the unread mentions that a row counts; older ones may be missing in one that is cut."""
    counted = frozenset(row.unread_mentions)
    if not counted <= mentioned or (counted < mentioned and not is_cut):
        return "row-differs", f"the row counts {len(counted)} unread mentions, the log has {len(mentioned)}"
    return "", ""
