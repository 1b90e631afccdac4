"""Users and groups by the names that an operator gives them: a handle, two handles, or a group's uuid."""

from collections.abc import Sequence
from uuid import UUID

from app.cli.failures import Code, Failure
from app.messaging.models import direct_group_uuid
from app.users.models import User
from app.users.service import Users


async def find_user(users: Users, handle: str) -> User:
    """Return the user with this handle, as the service compares handles, or raise a Failure."""
    user = await users.find_by_handle(handle)
    if user is None:
        raise Failure(f"There is no user with the handle {handle!r}.")
    return user


async def find_group(users: Users, names: Sequence[str]) -> UUID:
    """Return the group with this uuid, or the direct group of these two handles, whether it was started or not."""
    match names:
        case [text]:
            try:
                return UUID(text)
            except ValueError:
                raise Failure(f"{text!r} is not a group's uuid: give one, or two handles.", Code.USAGE) from None
        case [one, other]:
            return direct_group_uuid((await find_user(users, one)).uuid, (await find_user(users, other)).uuid)
    raise Failure("Give one group's uuid, or two handles.", Code.USAGE)
