"""Dependencies of routes on users: the service, the caller's user, and handles in paths."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from app.http.context import context_of
from app.http.deps import CurrentClaims, from_state
from app.http.types import PageSize
from app.users.service import Users

UsersDep = Annotated[Users, from_state("users")]


async def _current_user(request: Request, claims: CurrentClaims, users: UsersDep) -> UUID:
    user = context_of(request.scope).user = await users.uuid_of(claims)
    return user


CurrentUser = Annotated[UUID, Depends(_current_user)]
"""The uuid of the caller's user. Raises UnknownUser if the account has not registered."""

UserLimit = Annotated[PageSize, Query(description="Users on a page", examples=[20])]
Handle = Annotated[
    str,
    Path(
        description="Handle of a user; case does not matter",
        examples=["amelie"],
        json_schema_extra={"minLength": 3, "maxLength": 30, "pattern": r"^[A-Za-z0-9_]{3,30}$"},
    ),
]
"""The handle in a path."""
