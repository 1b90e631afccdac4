"""create_app: the only place that puts the parts together."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import compile_path

from app.auth.issuer import LocalIssuer
from app.auth.tokens import TokenVerifier
from app.cache import open_caches
from app.concurrency import TaskSet
from app.deps import State
from app.errors import AppError
from app.gateways.dynamodb import open_table
from app.gateways.postgres import open_postgres
from app.gateways.valkey import Valkey, open_valkey
from app.http import docs, health, openapi, page
from app.http import metrics as metrics_route
from app.http.connection import ConnectionCloseMiddleware, StopSignal
from app.http.limits import ConcurrencyLimitMiddleware
from app.http.middleware import AccessLogMiddleware, ServerErrorMiddleware
from app.http.openapi import install_openapi, operation_id
from app.http.page import install_page
from app.http.problems import on_app_error, on_http_error, on_invalid_request
from app.logs import configure_logging
from app.messaging import group_routes, message_routes
from app.messaging.catchup import Catchup
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.unread import UnreadCounter
from app.metrics import Metrics
from app.publish import fan_out
from app.realtime import router as realtime_router
from app.realtime.bus import Bus, MemoryBus
from app.realtime.hub import Hub
from app.realtime.profiles import ProfileFanOut
from app.realtime.valkey_bus import ValkeyBus
from app.settings import Settings
from app.users import local_routes
from app.users import router as users_router
from app.users.service import Users
from app.users.store import UserStore

DRAIN_SECONDS = 3.0
"""How long a stopping process waits for sends and inbox rows that go on after their answers."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROUTERS = (
    health.router,
    page.router,
    group_routes.router,
    message_routes.router,
    users_router.router,
    realtime_router.router,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service. Without settings it reads the environment, as uvicorn --factory starts it."""
    settings = settings or Settings()  # pydantic-settings fills it from the environment
    configure_logging(settings.log_level)
    metrics, stop = Metrics(), StopSignal()
    app = FastAPI(
        lifespan=_lifespan(settings, metrics, stop),
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        openapi_url=None,
    )
    for router in (openapi.router, docs.router, *ROUTERS):
        app.include_router(router)
    if settings.environment == "local":
        app.include_router(local_routes.router)
    if settings.metrics_token or settings.environment != "production":
        app.include_router(metrics_route.router)
        app.state.metrics_token = settings.metrics_token
    app.exception_handler(AppError)(on_app_error)
    app.exception_handler(RequestValidationError)(on_invalid_request)
    app.exception_handler(HTTPException)(on_http_error)
    _add_middleware(app, settings, metrics, stop)
    install_openapi(app)
    install_page(app, settings)
    app.state.allowed_methods = _allowed_methods(app)
    return app


def _lifespan(
    settings: Settings, metrics: Metrics, stop: StopSignal
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            table = await stack.enter_async_context(open_table(settings, meter=metrics.dynamodb))
            postgres = await stack.enter_async_context(open_postgres(settings))
            valkey = await stack.enter_async_context(open_valkey(settings))
            # A proxy of the environment is for the world outside, not for a token issuer on this machine.
            client = await stack.enter_async_context(httpx.AsyncClient(trust_env=settings.environment == "production"))
            verifier = TokenVerifier(settings, client)
            stack.push_async_callback(verifier.aclose)
            tasks = TaskSet()
            caches = await stack.enter_async_context(open_caches(tasks, valkey, metrics.looked_up))
            store, bus = MessagingStore(table), await _open_bus(valkey, stack)
            catchup = Catchup(store)
            users = Users(UserStore(postgres), caches, ProfileFanOut(catchup, bus).publish)
            unread = UnreadCounter(store, caches)
            messaging = Messaging(
                store,
                users,
                message_max_length=settings.message_max_length,
                tasks=tasks,
                publish=fan_out(unread.invalidate_changed, bus.publish),
            )
            stack.push_async_callback(tasks.drain, DRAIN_SECONDS)
            hub = Hub(bus, catchup, users, metrics, most_streams=settings.max_event_streams)
            stack.enter_context(stop.handled(hub.close))
            stack.callback(hub.close)
            issuer = await asyncio.to_thread(LocalIssuer, settings) if settings.environment == "local" else None
            yield State(
                metrics=metrics,
                tasks=tasks,
                table=table,
                postgres=postgres,
                verifier=verifier,
                users=users,
                messaging=messaging,
                catchup=catchup,
                hub=hub,
                unread=unread,
                caches=caches,
                issuer=issuer,
            )

    return lifespan


async def _open_bus(valkey: Valkey | None, stack: AsyncExitStack) -> Bus:
    return await stack.enter_async_context(ValkeyBus(valkey).listening()) if valkey else MemoryBus()


def _add_middleware(app: FastAPI, settings: Settings, metrics: Metrics, stop: StopSignal) -> None:
    """The last one added is the outermost."""
    app.add_middleware(ConcurrencyLimitMiddleware, limit=settings.max_requests_in_flight)
    app.add_middleware(ServerErrorMiddleware)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=METHODS,
        allow_headers=["authorization", "content-type", "last-event-id", "x-request-id"],
        expose_headers=["Link", "Retry-After", "X-Request-ID"],
        max_age=86_400,
    )
    app.add_middleware(AccessLogMiddleware, metrics=metrics)
    app.add_middleware(ConnectionCloseMiddleware, stop=stop)


def _allowed_methods(app: FastAPI) -> Callable[[str], str]:
    """For a path, the methods of all routes that have it. Starlette would name those of the first one only."""
    routes = [
        (compile_path(route.path)[0], route.methods)
        for route in iter_route_contexts(app.routes)
        if route.path and route.methods
    ]

    def allowed(path: str) -> str:
        return ", ".join(sorted({method for regex, methods in routes if re.match(regex, path) for method in methods}))

    return allowed
