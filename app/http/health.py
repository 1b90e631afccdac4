"""Liveness and readiness probes, and the health check of the old back end."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.http.context import state_of
from app.http.readiness import OPTIONAL
from app.http.routes import NamedRoute
from app.http.types import Page, ResponseModel

router = APIRouter(tags=["health"], route_class=NamedRoute)


class HealthCheckView(ResponseModel):
    """The health check of the old back end."""

    success: bool = Field(description="Always true: the service answers", examples=[True])
    ver: int = Field(ge=1, le=1, description="Version of this format", examples=[1])


class LivenessView(ResponseModel):
    """The process runs."""

    status: Literal["ok"] = Field(description="Always `ok`", examples=["ok"])


class DependencyView(ResponseModel):
    """The state of a dependency at this moment."""

    name: Literal["dynamodb", "postgres", "token_keys", "valkey"] = Field(
        description="Name of the dependency", examples=["postgres"]
    )
    state: Literal["ok", "down"] = Field(description="Whether it can be used", examples=["ok"])
    detail: str = Field(
        description="`ok`, or what is wrong and what to do about it, for the operator",
        max_length=1000,
        examples=["ok"],
    )
    ms: float = Field(ge=0, le=60_000, description="Duration of the check in milliseconds", examples=[1.3])


class ReadinessView(ResponseModel):
    """The state of the service and of its dependencies."""

    status: Literal["ok", "degraded", "down"] = Field(
        description="`down` if a dependency is down or the process is about to stop; `degraded` if only Valkey is down,"
        " without which the service goes on",
        examples=["ok"],
    )
    dependencies: Page[DependencyView] = Field(description="State of each dependency")


@router.get("/api/health-check")
async def check_health() -> HealthCheckView:
    """Check that the service answers, in the format of the old back end."""
    return HealthCheckView(success=True, ver=1)


@router.get("/healthz")
async def get_liveness() -> LivenessView:
    """Check that the process runs.

    A liveness probe: a supervisor restarts a process that does not answer. Dependencies do not count.
    """
    return LivenessView(status="ok")


@router.get(
    "/readyz",
    responses={503: {"model": ReadinessView, "description": "A dependency is down, or the process is about to stop"}},
)
async def get_readiness(request: Request, response: Response) -> ReadinessView:
    """Check that the service can serve requests, with the state of each dependency.

    A readiness probe: a load balancer sends requests to a process only while the status is 200. The state is at most a
    second old.
    """
    readiness = state_of(request.scope)["readiness"]
    dependencies = await readiness.check()
    down = {each.name for each in dependencies if each.state == "down"}
    is_ready = down <= OPTIONAL and not readiness.is_stopping()
    response.status_code = 200 if is_ready else 503
    views = [DependencyView(name=each.name, state=each.state, detail=each.detail, ms=each.ms) for each in dependencies]
    status: Literal["ok", "degraded", "down"] = "down" if not is_ready else "degraded" if down else "ok"
    return ReadinessView(status=status, dependencies=views)
