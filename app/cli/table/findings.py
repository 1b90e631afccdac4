"""The defects that verify finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.messaging.row_models import InboxRow


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
