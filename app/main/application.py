"""create_app: the application with its middleware and routes."""

from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.errors import AppError
from app.http import health
from app.http.connection import StopSignal
from app.http.docs import docs_router
from app.http.limits import LimitsMiddleware
from app.http.metrics import metrics_router
from app.http.middleware import (
    AccessLogMiddleware,
    OriginMiddleware,
    ProblemMiddleware,
    ResponseHeadersMiddleware,
)
from app.http.openapi import CommittedDocument
from app.http.page import page_router
from app.http.problems import HttpErrorHandler, on_app_error, on_invalid_request
from app.http.root_path import RootPathMiddleware
from app.http.route_table import RouteTableMiddleware
from app.limits import Limits
from app.main.lifespan import lifespan
from app.messaging import (
    block_routes,
    change_routes,
    group_routes,
    message_routes,
    receipt_routes,
)
from app.messaging.groups import routes as several_routes
from app.messaging.my_view import routes as view_routes
from app.messaging.requests import routes as request_routes
from app.messaging.settings import routes as settings_routes
from app.moderation import router as moderation_router
from app.observability.logs import configure_logging
from app.observability.metrics import Metrics
from app.personal_data import router as personal_data_router
from app.realtime import router as realtime_router
from app.realtime.presence import routes as presence_routes
from app.settings import Settings
from app.users import local_routes
from app.users import router as users_router

ROUTERS = (
    group_routes.router,
    group_routes.by_handle,
    several_routes.router,
    message_routes.router,
    change_routes.router,
    receipt_routes.router,
    view_routes.router,
    view_routes.of_user,
    request_routes.router,
    block_routes.router,
    users_router.router,
    settings_routes.router,
    personal_data_router.router,
    moderation_router.router,
    realtime_router.router,
    presence_routes.router,
)
"""The routers of the API, in the order of the document."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service. Without settings it reads the environment, for `uvicorn --factory`."""
    settings = settings or Settings()  # pydantic-settings fills it from the environment
    configure_logging(settings.log_level)
    metrics, stop, document = Metrics(), StopSignal(settings.stop_delay_seconds), CommittedDocument()
    limits = Limits(settings.allowances, metrics.refused)
    routers = (document.router(), *_routers(settings, metrics))
    app = FastAPI(
        # FastAPI would work out the fields of an included router's routes anew, which takes 0.2 s of CPU at each start.
        routes=[route for router in routers for route in router.routes],
        lifespan=lambda _: lifespan(settings, metrics, limits, stop),
        exception_handlers={AppError: on_app_error, RequestValidationError: on_invalid_request},
        redirect_slashes=False,
        openapi_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # it is asked at each request, and names contents
    )
    app.exception_handler(HTTPException)(HttpErrorHandler(app.routes))
    app.user_middleware = _middleware(app, settings, metrics, limits, stop)
    app.openapi = lambda: document.content  # type: ignore[method-assign]  # FastAPI documents this as the way
    return app


def _middleware(
    app: FastAPI, settings: Settings, metrics: Metrics, limits: Limits, stop: StopSignal
) -> list[Middleware]:
    """Return the middleware from the outermost to the innermost."""
    cors = Middleware(
        OriginMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=METHODS,
        allow_headers=["authorization", "content-type", "last-event-id", "x-request-id", *settings.cors_headers],
        expose_headers=["Link", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"],
        max_age=86_400,
    )
    return [
        Middleware(RootPathMiddleware, root_path=settings.root_path),
        Middleware(AccessLogMiddleware, metrics=metrics, limits=limits),
        Middleware(ResponseHeadersMiddleware, stop=stop),
        cors,
        Middleware(ProblemMiddleware, handlers=app.exception_handlers),
        Middleware(
            LimitsMiddleware,
            limit=settings.max_requests_in_flight,
            limit_per_account=settings.max_requests_per_account,
        ),
        Middleware(RouteTableMiddleware, routes=app.routes, overrides=app.dependency_overrides),
    ]


def _routers(settings: Settings, metrics: Metrics) -> Iterator[APIRouter]:
    """Yield all routers but that of the document. Their order is the order of the paths in the OpenAPI document."""
    yield docs_router()
    yield health.router
    yield page_router(settings)
    yield from ROUTERS
    if settings.environment == "local":
        yield local_routes.router
    if settings.metrics_token or settings.environment != "production":
        yield metrics_router(metrics, settings.metrics_token)
