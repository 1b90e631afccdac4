"""Users over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.deps import CurrentClaims, CurrentUser, UserLimit, UsersDep
from app.errors import InvalidParameter
from app.links import PAGED, link
from app.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.routes import SignedInRoute
from app.users.errors import AlreadyRegistered, HandleTaken, UserNotFound
from app.users.schemas import UserCreate, UserShortView, UserView
from app.users.service import HANDLE_PREFIX

router = APIRouter(prefix="/api/users", tags=["users"], route_class=SignedInRoute)

Prefix = Annotated[
    str, Query(alias="q", max_length=31, description="Beginning of a handle, with or without @", examples=["am"])
]
Cursor = Annotated[str, Query(max_length=30, description="From a Link header")]
Handle = Annotated[str, Path(description="Handle of a user; case does not matter", examples=["amelie"])]


@router.post("", responses=problem_responses(*SIGNED_IN, *WITH_BODY, HandleTaken, AlreadyRegistered))
async def register_user(body: UserCreate, claims: CurrentClaims, users: UsersDep) -> UserView:
    """Give the signed-in person a user. The same call again answers the same."""
    return UserView.of(await users.register(claims, handle=body.handle, display_name=body.display_name))


@router.get("", responses={200: PAGED, **problem_responses(*SIGNED_IN)})
async def search_users(
    request: Request,
    response: Response,
    _: CurrentUser,
    users: UsersDep,
    prefix: Prefix = "",
    limit: UserLimit = 20,
    cursor: Cursor = "",
) -> list[UserShortView]:
    """Users whose handles begin with `q`, in the order of their handles."""
    if not HANDLE_PREFIX.fullmatch(cursor):
        raise InvalidParameter("cursor is not from a Link header")
    found = await users.search(prefix, limit=limit + 1, after=cursor)
    if len(found) > limit:
        link(request, response, {"next": {"q": prefix, "limit": limit, "cursor": found[limit - 1].handle}})
    return [UserShortView.of(user) for user in found[:limit]]


@router.get("/me", responses=problem_responses(*SIGNED_IN))
async def get_current_user(claims: CurrentClaims, users: UsersDep) -> UserView:
    """The signed-in person's own user."""
    return UserView.of(await users.me(claims))


@router.get("/@{handle}/short", responses=problem_responses(*SIGNED_IN, UserNotFound))
async def get_user_short(handle: Handle, _: CurrentUser, users: UsersDep) -> UserShortView:
    """The person with this handle."""
    return UserShortView.of(await users.get_by_handle(handle))
