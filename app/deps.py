"""Everything that a route may ask for, as Annotated aliases. Async throughout: others would each wait for a thread."""

from typing import Annotated, TypedDict
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer

from app.auth.issuer import LocalIssuer
from app.auth.tokens import Claims, TokenVerifier
from app.cache import Caches
from app.concurrency import TaskSet
from app.gateways.dynamodb import Table
from app.gateways.postgres import Postgres
from app.http.types import PageSize
from app.messaging.catchup import Catchup
from app.messaging.service import Messaging
from app.messaging.unread import UnreadCounter
from app.metrics import Metrics
from app.realtime.hub import Hub
from app.users.service import Users


class State(TypedDict):
    """What the lifespan opens, once per process."""

    metrics: Metrics
    tasks: TaskSet
    table: Table
    postgres: Postgres
    verifier: TokenVerifier
    users: Users
    messaging: Messaging
    catchup: Catchup
    hub: Hub
    unread: UnreadCounter
    caches: Caches
    issuer: LocalIssuer | None


_bearer = HTTPBearer(
    scheme_name="accessToken",
    bearerFormat="JWT",
    description="A Cognito access token: a JWT, verified by the rules of RFC8725",
    auto_error=False,
)


async def _users(request: Request) -> Users:
    users: Users = request.state.users
    return users


async def _messaging(request: Request) -> Messaging:
    messaging: Messaging = request.state.messaging
    return messaging


async def _catchup(request: Request) -> Catchup:
    catchup: Catchup = request.state.catchup
    return catchup


async def _hub(request: Request) -> Hub:
    hub: Hub = request.state.hub
    return hub


async def _unread(request: Request) -> UnreadCounter:
    unread: UnreadCounter = request.state.unread
    return unread


async def _claims(request: Request, _: Annotated[object, Security(_bearer)]) -> Claims:
    """What SignedInRoute verified before; the scheme is asked for only to stand in the OpenAPI document."""
    claims: Claims = request.state.claims
    return claims


UsersDep = Annotated[Users, Depends(_users)]
MessagingDep = Annotated[Messaging, Depends(_messaging)]
CatchupDep = Annotated[Catchup, Depends(_catchup)]
HubDep = Annotated[Hub, Depends(_hub)]
UnreadDep = Annotated[UnreadCounter, Depends(_unread)]
CurrentClaims = Annotated[Claims, Depends(_claims)]


async def _current_user(request: Request, claims: CurrentClaims, users: UsersDep) -> UUID:
    user = await users.uuid_of(claims)
    request.state.user_uuid = str(user)
    return user


CurrentUser = Annotated[UUID, Depends(_current_user)]
"""The uuid of whoever is signed in, or UnknownUser."""

GroupLimit = Annotated[PageSize, Query(description="Groups on a page", examples=[20])]
MessageLimit = Annotated[PageSize, Query(description="Messages on a page", examples=[50])]
UserLimit = Annotated[PageSize, Query(description="Users on a page", examples=[20])]
