"""The changes of a seed, which may be repeated, in groups that users may have gone on with."""

from app.messaging.change_store import ChangeNumberTaken, ChangeStore
from app.messaging.models import Change


async def append_change(changes: ChangeStore, change: Change) -> bool:
    """Append a change unless it is there; return whether it is, False if the users have made another one."""
    try:
        await changes.append(change)
    except ChangeNumberTaken as error:
        return error.winner.uuid == change.uuid
    return True
