"""What Prometheus reads: the counters of this process. Included outside of production, or where there is a token."""

import asyncio
import secrets

from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from app.errors import Unauthenticated
from app.metrics import CONTENT_TYPE

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def get_metrics(request: Request) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    _require(request.app.state.metrics_token, request.headers.get("authorization", ""))
    text = await asyncio.to_thread(request.state.metrics.text)  # some milliseconds
    return Response(text, headers={"Content-Type": CONTENT_TYPE})


def _require(token: SecretStr | None, given: str) -> None:
    """Without a token, in `local` and `test`, it is open."""
    if token and not secrets.compare_digest(f"Bearer {token.get_secret_value()}".encode(), given.encode()):
        raise Unauthenticated
