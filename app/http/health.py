"""Liveness and readiness."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.errors import Unavailable
from app.http.context import state_of
from app.http.routes import NamedRoute
from app.http.types import Page, ResponseModel

router = APIRouter(tags=["health"], route_class=NamedRoute)

CHECK_SECONDS = 2.0


class HealthCheckView(ResponseModel):
    """The old back end's health check."""

    success: bool = Field(description="The service answers: always true", examples=[True])
    ver: int = Field(ge=1, le=1, description="Version of this answer's form", examples=[1])


class LivenessView(ResponseModel):
    """The process runs."""

    status: Literal["ok"] = Field(
        description="Always the same; what counts is that there is an answer", examples=["ok"]
    )


class DependencyView(ResponseModel):
    """How a dependency answered just now."""

    name: Literal["dynamodb", "postgres", "token_keys"] = Field(description="Which dependency", examples=["postgres"])
    state: Literal["ok", "down"] = Field(description="Whether it can be used", examples=["ok"])
    ms: float = Field(ge=0, le=60_000, description="How long it took to find out, in milliseconds", examples=[1.3])


class ReadinessView(ResponseModel):
    """Whether requests can be served."""

    status: Literal["ok", "down"] = Field(description="`down` if any dependency is", examples=["ok"])
    dependencies: Page[DependencyView] = Field(description="Each dependency")


@router.get("/api/health-check")
async def check_health() -> HealthCheckView:
    """Whether the service answers, in the old back end's form."""
    return HealthCheckView(success=True, ver=1)


@router.get("/healthz")
async def get_liveness() -> LivenessView:
    """Whether the process runs.

    For restarting a process that hangs, so dependencies do not count.
    """
    return LivenessView(status="ok")


@router.get("/readyz", responses={503: {"model": ReadinessView, "description": "A dependency is down"}})
async def get_readiness(request: Request, response: Response) -> ReadinessView:
    """Whether requests can be served, with the state of each dependency.

    For sending requests to a process only while it can serve them; 503 says that it cannot.
    """
    state = state_of(request.scope)
    dependencies = await asyncio.gather(
        _check("dynamodb", state["table"].ping),
        _check("postgres", state["postgres"].ping),
        _check("token_keys", state["verifier"].check),
    )
    is_ready = all(dependency.state == "ok" for dependency in dependencies)
    response.status_code = 200 if is_ready else 503
    return ReadinessView(status="ok" if is_ready else "down", dependencies=list(dependencies))


async def _check(
    name: Literal["dynamodb", "postgres", "token_keys"], ping: Callable[[], Awaitable[None]]
) -> DependencyView:
    started, state = time.perf_counter(), "down"
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await ping()
        state = "ok"
    except (TimeoutError, Unavailable):
        pass
    ms = round((time.perf_counter() - started) * 1000, 1)
    return DependencyView.model_validate({"name": name, "state": state, "ms": ms})
