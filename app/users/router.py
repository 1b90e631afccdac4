"""Users over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.http.deps import CurrentClaims
from app.http.links import PAGED, openapi_link, set_link_header
from app.http.problems import SIGNED_IN, TOKEN_ONLY, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import Page
from app.users.deps import CurrentUser, Handle, UserLimit, UsersDep
from app.users.errors import (
    AlreadyRegistered,
    HandleReserved,
    HandleTaken,
    NameMisleading,
    NameReserved,
    UserNotFound,
)
from app.users.schemas import ProfileView, UserCreate, UserShortView, UserUpdate, UserView

router = APIRouter(prefix="/api/users", tags=["users"], route_class=SignedInRoute)

SearchText = Annotated[
    str,
    Query(
        alias="q",
        max_length=51,
        description="Beginning of a handle, or of a word of a display name; with @ of a handle only",
        examples=["am"],
    ),
]
Cursor = Annotated[
    str,
    Query(max_length=30, pattern=r"^[a-z0-9_]{0,30}$", description="Cursor from a Link header", examples=["amelie"]),
]
REGISTERED = {
    "get_current_user": openapi_link("get_current_user", "The registered user"),
    "get_user_short": openapi_link("get_user_short", "The public part of this user", handle="handle"),
    "list_message_groups": openapi_link("list_message_groups", "The inbox, empty at first"),
}


@router.post(
    "",
    responses={
        200: {"description": "The registered user", "links": REGISTERED},
        **problem_responses(
            *TOKEN_ONLY, *WITH_BODY, HandleTaken, AlreadyRegistered, HandleReserved, NameReserved, NameMisleading
        ),
    },
)
async def register_user(body: UserCreate, claims: CurrentClaims, users: UsersDep) -> UserView:
    """Register the caller.

    Creates the user of the access token's account, which all other operations need. A repeated call gets the same
    answer. Another handle or name is 409 `already-registered`; the handle of another user is 409 `handle-taken`.

    Handles and names that would pass for the service's own are 422 `handle-reserved` and `name-reserved`: words such as
    admin and support, what consists of them, and what looks like them. A name with an @, or with a word of letters that
    look alike in different scripts, is 422 `name-misleading`.
    """
    return UserView.of(await users.register(claims, handle=body.handle, display_name=body.display_name))


@router.get("", responses={200: PAGED, **problem_responses(*SIGNED_IN)})
async def search_users(
    request: Request,
    response: Response,
    _: CurrentUser,
    users: UsersDep,
    text: SearchText = "",
    limit: UserLimit = 20,
    cursor: Cursor = "",
) -> Page[UserShortView]:
    """Find users by the beginning of their handle, or of any word of their display name.

    Words may follow one another as in the name: `an`, `be` and `berg an` find Anna Berg. Neither case nor accents
    matter. Sorted by what begins with `q`; with @ only handles count, and without `q` all users are found, both sorted
    by handle. A user whose setting `is_discoverable` is false is found only by @ and the whole handle.
    """
    found = await users.search(text, limit=limit + 1, after=cursor)
    if len(found) > limit:
        set_link_header(request, response, {"next": {"q": text, "limit": limit, "cursor": found[limit - 1].handle}})
    return [UserShortView.of(user) for user in found[:limit]]


@router.get("/me", responses=problem_responses(*SIGNED_IN))
async def get_current_user(claims: CurrentClaims, users: UsersDep) -> UserView:
    """Return the caller's user.

    403 `unknown-user` means that this account has not registered yet.
    """
    return UserView.of(await users.me(claims))


@router.patch("/me", responses=problem_responses(*SIGNED_IN, *WITH_BODY, NameReserved, NameMisleading))
async def update_current_user(body: UserUpdate, claims: CurrentClaims, users: UsersDep) -> UserView:
    """Change the caller's display name, or what the caller says about the own person.

    All later answers have the new name, for older messages, too: names are not stored with messages. Names are refused
    as at registration. A new name reaches the streams of others as `profile`; what a user says about the own person is
    read when it is shown.
    """
    return UserView.of(await users.update(claims, display_name=body.display_name, about=body.about))


@router.get("/@{handle}", responses=problem_responses(*SIGNED_IN, UserNotFound))
async def get_user(handle: Handle, _: CurrentUser, users: UsersDep) -> ProfileView:
    """Return the profile of a user.

    All users can see it, also of a user that no search finds.
    """
    return ProfileView.of(await users.get_by_handle(handle))


@router.get("/@{handle}/short", responses=problem_responses(*SIGNED_IN, UserNotFound))
async def get_user_short(handle: Handle, _: CurrentUser, users: UsersDep) -> UserShortView:
    """Return a user by handle.

    The public part of the user: id, handle and display name.
    """
    return UserShortView.of(await users.get_by_handle(handle))
