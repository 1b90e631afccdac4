"""The two carriers of the HTTP edge: the part of the lifespan state that it uses, and a request's context."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast
from uuid import UUID

from app.auth.tokens import Claims, TokenVerifier
from app.http.addresses import block_of
from app.http.readiness import Readiness
from app.limits import NO_LIMITS, Limits

if TYPE_CHECKING:
    from starlette.types import Scope

KEY = "cruddur.request"


class EdgeState(TypedDict):
    """The part of the lifespan state that the HTTP edge itself uses; `app.main.state.State` is the whole."""

    verifier: TokenVerifier
    readiness: Readiness


class Place:
    """A place among the running requests. This one is without limits."""

    def take(self) -> None:
        """Count the request again. Raises Overloaded."""

    def assign(self, account: str) -> None:
        """Count the request as this account's, too. Raises Overloaded."""

    async def turn(self) -> None:
        """Wait until it is this request's turn among those of its account, for a moment at most."""

    def leave(self) -> None:
        """Stop counting the request, for as long as it waits for its client or for good."""


UNLIMITED_PLACE = Place()


@dataclass(slots=True)
class RequestContext:
    """The id of a request, the status that was sent, and once they are found the claims of its token and its user."""

    request_id: str = ""
    root_path: str = ""
    """The prefix at which a proxy serves the service, for links."""
    status: int = 0
    """0 until the response starts."""
    place: Place = UNLIMITED_PLACE
    limits: Limits = NO_LIMITS
    claims: Claims | None = None
    limit_fields: Sequence[tuple[bytes, bytes]] = ()
    """The RateLimit fields of the response."""
    sent: int = 0
    """The bytes of the response that no budget was debited with yet."""
    user: UUID | None = None


def state_of(scope: "Scope") -> EdgeState:
    """Return the lifespan state, which the server passes to each request."""
    return cast(EdgeState, scope["state"])


def context_of(scope: "Scope") -> RequestContext:
    """Return the request's context; the first call makes it."""
    context: RequestContext | None = scope.get(KEY)
    if context is None:
        context = scope[KEY] = RequestContext()
    return context


def address_of(scope: "Scope") -> str:
    """Return the address, or the block of addresses, that limits count the client by."""
    client = scope.get("client")
    return block_of(client[0]) if client else ""
