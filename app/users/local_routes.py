"""The routes of the local issuer: its key set, the users of this installation, and access tokens for them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from app.auth.issuer import LIFETIME, LocalIssuer
from app.auth.tokens import Claims
from app.errors import NotFound
from app.http.deps import from_state
from app.http.routes import ApiRoute
from app.http.types import RequestModel, ResponseModel
from app.settings import LOOPBACK
from app.users.deps import UsersDep
from app.users.errors import HandleTaken
from app.users.models import User
from app.users.schemas import DisplayName

MAX_USERS = 100


async def _addressed_to_this_machine(request: Request) -> None:
    """Raise NotFound unless the host is a loopback name: a foreign page may call here by DNS rebinding."""
    if request.url.hostname not in LOOPBACK:
        raise NotFound


IssuerDep = Annotated[LocalIssuer, from_state("issuer")]
router = APIRouter(
    prefix="/local",
    include_in_schema=False,
    route_class=ApiRoute,
    dependencies=[Depends(_addressed_to_this_machine)],
)


Handle = Annotated[
    str,
    Field(
        description="Handle of the user to sign in as; case does not matter",
        pattern=r"^@?[A-Za-z0-9_]{3,30}$",
        examples=["amelie"],
    ),
]
SearchText = Annotated[str, Query(alias="q", max_length=51, description="What to search for", examples=["am"])]


class LocalTokenCreate(RequestModel):
    """The user to sign in as, with a name for a new one."""

    handle: Handle
    display_name: DisplayName | None = Field(
        default=None, description="Display name of a new user; without it the handle", examples=["Amélie Laurent"]
    )


class LocalTokenView(ResponseModel):
    """A token in the form of RFC 6749, section 5.1."""

    access_token: str = Field(description="Token for the Authorization header", examples=["eyJraWQiOiI…"])
    expires_in: int = Field(description="Seconds of validity", examples=[LIFETIME])
    token_type: Literal["Bearer"] = Field(description="Scheme of the header", examples=["Bearer"])


class LocalUserView(ResponseModel):
    """A user to sign in as."""

    handle: str = Field(description="Unique handle", examples=["amelie"])
    display_name: str = Field(description="Display name", examples=["Amélie"])


@router.get("/.well-known/jwks.json")
async def get_local_key_set(issuer: IssuerDep) -> dict[str, list[dict[str, str]]]:
    """Return the key set that verifies local tokens."""
    return issuer.jwks()


@router.get("/users")
async def list_local_users(users: UsersDep, text: SearchText = "") -> list[LocalUserView]:
    """List the first users that a search finds, without `q` by handle; hidden ones by the beginning of the handle."""
    by_handle = await users.search(f"@{text.removeprefix('@')}", limit=MAX_USERS, with_hidden=True)
    found = await users.search(text, limit=MAX_USERS) if text else []
    names = {user.handle: user.display_name for user in (*found, *by_handle)}
    return [LocalUserView(handle=handle, display_name=name) for handle, name in names.items()][:MAX_USERS]


@router.post("/token")
async def create_local_token(body: LocalTokenCreate, users: UsersDep, issuer: IssuerDep) -> LocalTokenView:
    """Create an access token of this user, after registering a new handle."""
    user = await users.find_by_handle(body.handle) or await _registered(users, body)
    token = issuer.token(user.cognito_user_id, time.time())
    return LocalTokenView(access_token=token, expires_in=LIFETIME, token_type="Bearer")  # noqa: S106  # the kind of token (RFC 6750), no secret


async def _registered(users: UsersDep, body: LocalTokenCreate) -> User:
    """Register the handle and return its user, also if another request has registered it just now."""
    handle = body.handle.removeprefix("@").lower()
    claims = Claims(str(uuid4()), "local", datetime.now(UTC) + timedelta(seconds=LIFETIME))
    try:
        return await users.register(claims, handle=handle, display_name=body.display_name or handle)
    except HandleTaken:
        return await users.get_by_handle(handle)
