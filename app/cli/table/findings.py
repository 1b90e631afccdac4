"""The defects that verify finds."""

from dataclasses import dataclass
from uuid import UUID


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
