"""record: a frozen dataclass for the type checker, which costs no more than an ordinary one when it is built."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(**options: Any) -> Any:
        """Make a dataclass for values that are built by the dozen: the `__init__` of a frozen one takes far longer."""
        return dataclass(**options | {"frozen": False, "unsafe_hash": True})


__all__ = ["record"]
