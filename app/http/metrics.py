"""The counters of this process, for Prometheus. Production serves them only if there is a token."""

import asyncio
import secrets

from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from app.errors import Unauthenticated
from app.observability.metrics import CONTENT_TYPE, Metrics


def metrics_router(metrics: Metrics, token: SecretStr | None) -> APIRouter:
    """Return the route of the counters, which requires the token if it is set."""
    router = APIRouter(include_in_schema=False)
    expected = f"Bearer {token.get_secret_value()}".encode() if token else None

    @router.get("/metrics")
    async def get_metrics(request: Request) -> Response:
        if expected and not secrets.compare_digest(expected, request.headers.get("authorization", "").encode()):
            raise Unauthenticated
        text = await asyncio.to_thread(metrics.text)  # some milliseconds
        return Response(text, headers={"Content-Type": CONTENT_TYPE})

    return router
