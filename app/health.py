"""Liveness and readiness."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.errors import Unavailable
from app.wire import ResponseModel

router = APIRouter(tags=["health"])

CHECK_SECONDS = 2.0


class HealthCheckView(ResponseModel):
    """The old back end's health check."""

    success: Literal[True] = Field(description="The service answers")
    ver: Literal[1] = Field(description="Version of this answer's form")


class LivenessView(ResponseModel):
    """The process runs."""

    status: Literal["ok"] = Field(description="Always the same; what counts is that there is an answer")


class DependencyView(ResponseModel):
    """How a dependency answered just now."""

    name: Literal["dynamodb", "postgres", "token_keys"] = Field(description="Which dependency")
    state: Literal["ok", "down"] = Field(description="Whether it can be used")
    ms: float = Field(ge=0, description="How long it took to find out, in milliseconds", examples=[1.3])


class ReadinessView(ResponseModel):
    """Whether requests can be served."""

    status: Literal["ok", "down"] = Field(description="`down` if any dependency is")
    dependencies: list[DependencyView] = Field(description="Each dependency")


@router.get("/api/health-check")
async def check_health() -> HealthCheckView:
    """As the old back end answers it."""
    return HealthCheckView(success=True, ver=1)


@router.get("/healthz")
async def get_liveness() -> LivenessView:
    """For restarting a process that hangs. Dependencies do not count."""
    return LivenessView(status="ok")


@router.get("/readyz", responses={503: {"model": ReadinessView, "description": "A dependency is down"}})
async def get_readiness(request: Request, response: Response) -> ReadinessView:
    """For sending requests to a new process only when it can serve them."""
    state = request.state
    dependencies = await asyncio.gather(
        _check("dynamodb", state.table.ping),
        _check("postgres", state.postgres.ping),
        _check("token_keys", state.verifier.check),
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
