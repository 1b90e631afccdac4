"""Dependencies of routes, as Annotated aliases. All are async: FastAPI runs others in a thread each."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from app.auth.issuer import LocalIssuer
from app.auth.tokens import Claims
from app.cache import Caches
from app.concurrency import TaskSet
from app.errors import Unauthenticated
from app.gateways.dynamodb import Table
from app.gateways.postgres import Postgres
from app.http.context import EdgeState, context_of, state_of
from app.http.types import PageSize
from app.messaging.blocks import Blocks
from app.messaging.catchup import Catchup
from app.messaging.changes import Changes
from app.messaging.groups.service import Groups
from app.messaging.my_view.service import MyView
from app.messaging.receipts import Receipts
from app.messaging.requests.service import Requests
from app.messaging.service import Messaging
from app.messaging.settings.service import UserSettingsService
from app.messaging.unread import UnreadCounter
from app.messaging.views import Views
from app.moderation.service import Reports
from app.personal_data.erasures import Erasures
from app.personal_data.export import Export
from app.realtime.hub import Hub
from app.realtime.leases import StreamLeases
from app.realtime.presence.service import PeerPresence
from app.users.service import Users


class State(EdgeState):
    """The lifespan state: what a process opens once. `state_of` reads it."""

    table: Table
    postgres: Postgres
    tasks: TaskSet
    users: Users
    messaging: Messaging
    blocks: Blocks
    groups: Groups
    requests: Requests
    changes: Changes
    receipts: Receipts
    settings: UserSettingsService
    my_view: MyView
    catchup: Catchup
    views: Views
    hub: Hub
    presence: PeerPresence
    unread: UnreadCounter
    caches: Caches
    erasures: Erasures
    export: Export
    export_leases: StreamLeases
    issuer: LocalIssuer | None
    reports: Reports


def _from_state(name: str) -> Any:
    """Return a dependency on a member of the lifespan state."""

    async def provide(request: Request) -> Any:
        return cast(dict[str, Any], state_of(request.scope))[name]

    return Depends(provide)


UsersDep = Annotated[Users, _from_state("users")]
MessagingDep = Annotated[Messaging, _from_state("messaging")]
BlocksDep = Annotated[Blocks, _from_state("blocks")]
GroupsDep = Annotated[Groups, _from_state("groups")]
RequestsDep = Annotated[Requests, _from_state("requests")]
ChangesDep = Annotated[Changes, _from_state("changes")]
ReceiptsDep = Annotated[Receipts, _from_state("receipts")]
MyViewDep = Annotated[MyView, _from_state("my_view")]
SettingsDep = Annotated[UserSettingsService, _from_state("settings")]
ViewsDep = Annotated[Views, _from_state("views")]
CatchupDep = Annotated[Catchup, _from_state("catchup")]
ReportsDep = Annotated[Reports, _from_state("reports")]
PresenceDep = Annotated[PeerPresence, _from_state("presence")]
HubDep = Annotated[Hub, _from_state("hub")]
UnreadDep = Annotated[UnreadCounter, _from_state("unread")]
ErasuresDep = Annotated[Erasures, _from_state("erasures")]
ExportDep = Annotated[Export, _from_state("export")]
ExportLeasesDep = Annotated[StreamLeases, _from_state("export_leases")]
IssuerDep = Annotated[LocalIssuer, _from_state("issuer")]


class _AccessToken(SecurityBase):
    """The claims that SignedInRoute has verified, and the scheme that the OpenAPI document names for them."""

    scheme_name = "accessToken"
    model = HTTPBearer(
        bearerFormat="JWT", description="A Cognito access token: a JWT, verified by the rules of RFC8725"
    )

    async def __call__(self, request: Request) -> Claims:
        """Return the claims. Raises Unauthenticated on a route of another class."""
        claims = context_of(request.scope).claims
        if claims is None:
            raise Unauthenticated
        return claims


CurrentClaims = Annotated[Claims, Security(_AccessToken())]


async def _current_user(request: Request, claims: CurrentClaims, users: UsersDep) -> UUID:
    user = context_of(request.scope).user = await users.uuid_of(claims)
    return user


CurrentUser = Annotated[UUID, Depends(_current_user)]
"""The uuid of the caller's user. Raises UnknownUser if the account has not registered."""

GroupLimit = Annotated[PageSize, Query(description="Groups on a page", examples=[20])]
MessageLimit = Annotated[PageSize, Query(description="Messages on a page", examples=[50])]
ChangeLimit = Annotated[PageSize, Query(description="Changes on a page", examples=[50])]
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
