"""The local issuer over HTTP: its keys, the people one may be, and a token for one of them."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from app.auth.issuer import LIFETIME
from app.deps import IssuerDep, UsersDep
from app.errors import NotFound
from app.http.routes import ApiRoute
from app.http.types import RequestModel, ResponseModel
from app.settings import LOOPBACK

MOST_PEOPLE = 100


async def _addressed_to_this_machine(request: Request) -> None:
    """A page of another site may make a browser call here under a name of its own (DNS rebinding)."""
    if request.url.hostname not in LOOPBACK:
        raise NotFound


router = APIRouter(
    prefix="/local",
    include_in_schema=False,
    route_class=ApiRoute,
    dependencies=[Depends(_addressed_to_this_machine)],
)


Handle = Annotated[str, Field(description="Of whom to be; case does not matter", max_length=31, examples=["amelie"])]


class LocalTokenCreate(RequestModel):
    """Who to be."""

    handle: Handle


class LocalTokenView(ResponseModel):
    """A token in the form of RFC 6749, section 5.1."""

    access_token: str = Field(description="For the Authorization header", examples=["eyJraWQiOiI…"])
    expires_in: int = Field(description="Seconds of validity", examples=[LIFETIME])
    token_type: Literal["Bearer"] = Field(description="The scheme of the header", examples=["Bearer"])


class LocalUserView(ResponseModel):
    """A person one may be."""

    handle: str = Field(description="Unique name", examples=["amelie"])
    display_name: str = Field(description="Name for people", examples=["Amélie"])


@router.get("/.well-known/jwks.json")
async def get_local_key_set(issuer: IssuerDep) -> dict[str, list[dict[str, str]]]:
    """The key set to verify local tokens with."""
    return issuer.jwks()


@router.get("/users")
async def list_local_users(users: UsersDep) -> list[LocalUserView]:
    """The first people by handle."""
    found = await users.search("", limit=MOST_PEOPLE)
    return [LocalUserView(handle=user.handle, display_name=user.display_name) for user in found]


@router.post("/token")
async def create_local_token(body: LocalTokenCreate, users: UsersDep, issuer: IssuerDep) -> LocalTokenView:
    """A token that says the caller is this person."""
    user = await users.get_by_handle(body.handle)
    token = issuer.token(user.cognito_user_id, time.time())
    return LocalTokenView(access_token=token, expires_in=LIFETIME, token_type="Bearer")  # noqa: S106  # no secret
