"""Dependencies of routes that belong to no slice. What several modules of a slice take is in the `deps.py` of that.

All are async: FastAPI runs others in a thread each.
"""

from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from app.auth.tokens import Claims
from app.errors import Unauthenticated
from app.http.context import context_of, state_of


def from_state(name: str) -> Any:
    """Return a dependency on a member of the lifespan state."""

    async def provide(request: Request) -> Any:
        return cast(dict[str, Any], state_of(request.scope))[name]

    return Depends(provide)


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
