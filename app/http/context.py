"""The two carriers of the HTTP edge: what it uses of the process, and what is known about a request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast
from uuid import UUID

from app.auth.tokens import Claims, TokenVerifier
from app.gateways.dynamodb import Table
from app.gateways.postgres import Postgres

if TYPE_CHECKING:
    from starlette.types import Scope

KEY = "cruddur.request"


class EdgeState(TypedDict):
    """The part of the lifespan state that the HTTP edge itself uses; `app.deps.State` is the whole."""

    table: Table
    postgres: Postgres
    verifier: TokenVerifier


@dataclass(slots=True)
class RequestContext:
    """What is known about a request: its id from the beginning, the token's claims and the user once they are found."""

    request_id: str = ""
    claims: Claims | None = None
    user: UUID | None = None


def state_of(scope: "Scope") -> EdgeState:
    """Return what the lifespan has opened, which the server hands to each request."""
    return cast(EdgeState, scope["state"])


def context_of(scope: "Scope") -> RequestContext:
    """Return the request's context; the first call makes it."""
    return cast(RequestContext, scope.setdefault(KEY, RequestContext()))
