"""Appending changes that may be there already, in groups that users may have gone on with."""

from app.messaging.change_store import ChangeNumberTaken, ChangeStore
from app.messaging.models import Change


async def append_change(changes: ChangeStore, change: Change) -> Change | None:
    """Append a change, and return the change that has its number already, None if the number was free."""
    try:
        await changes.append(change)
    except ChangeNumberTaken as error:
        return error.winner
    return None


async def ensure_change(changes: ChangeStore, change: Change) -> bool:
    """Append a change unless it is there; return whether it is, False if the users have made another one."""
    there = await append_change(changes, change)
    return there is None or there.uuid == change.uuid
