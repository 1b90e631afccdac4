"""create_app: the only composition root."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.auth.issuer import LocalIssuer
from app.auth.tokens import TokenVerifier
from app.cache import open_caches, valkey_cache
from app.concurrency import TaskSet
from app.deps import State
from app.errors import AppError
from app.gateways.dynamodb import open_table
from app.gateways.postgres import open_postgres
from app.gateways.valkey import Valkey, open_valkey
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
from app.http.readiness import Pings, Readiness
from app.http.root_path import RootPathMiddleware
from app.http.route_table import RouteTableMiddleware
from app.limits import CallerMeter, Limits, buckets
from app.logs import configure_logging
from app.messaging import (
    block_routes,
    change_routes,
    group_routes,
    message_routes,
    receipt_routes,
)
from app.messaging.blocks import Blocks
from app.messaging.catchup import Catchup
from app.messaging.changes import Changes
from app.messaging.erasure_store import MemberErasureStore
from app.messaging.groups import routes as several_routes
from app.messaging.groups.fan_out import FanOut
from app.messaging.groups.members import Members
from app.messaging.groups.service import Groups
from app.messaging.my_view import routes as view_routes
from app.messaging.my_view.service import MyView
from app.messaging.receipts import Receipts
from app.messaging.requests import routes as request_routes
from app.messaging.requests.service import Requests
from app.messaging.retention import Retention
from app.messaging.service import Messaging
from app.messaging.settings import routes as settings_routes
from app.messaging.settings.service import UserSettingsService
from app.messaging.store import MessagingStore
from app.messaging.unread import UnreadCounter
from app.messaging.views import Views
from app.metrics import Metrics
from app.moderation import router as moderation_router
from app.moderation.service import Reports
from app.moderation.store import ReportStore
from app.personal_data import router as personal_data_router
from app.personal_data.erasures import Erasures
from app.personal_data.export import Export
from app.personal_data.sweep import SweepTools
from app.publish import fan_out
from app.realtime import leases, valkey_bus
from app.realtime import router as realtime_router
from app.realtime.bus import Bus, MemoryBus
from app.realtime.hub import Hub
from app.realtime.leases import StreamLeases
from app.realtime.presence import register as presence_register
from app.realtime.presence import routes as presence_routes
from app.realtime.presence.fan_out import PresenceFanOut
from app.realtime.presence.register import MemoryRegister, ValkeyRegister
from app.realtime.presence.service import PeerPresence
from app.realtime.presence.tracker import PresenceTracker
from app.realtime.profiles import ProfileFanOut
from app.realtime.valkey_bus import ValkeyBus
from app.settings import Settings
from app.users import local_routes
from app.users import router as users_router
from app.users.account_watch import AccountWatch
from app.users.name_rules import NameRules
from app.users.service import Users
from app.users.store import UserStore
from app.users.suspensions import Suspensions

DRAIN_SECONDS = 3.0
"""Deadline, at a stop, of the sends, inbox rows and loads that go on after their answers."""
MAX_EXPORTS = 1
"""Exports of a user at the same time, over all processes."""
VALKEY_TRIAL = (*valkey_cache.TRIAL, *buckets.TRIAL, *leases.TRIAL, *valkey_bus.TRIAL, *presence_register.TRIAL)
"""The commands that the service needs, for no account: a Valkey that refuses one of them counts as absent."""
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
    yield group_routes.router
    yield group_routes.by_handle
    yield several_routes.router
    yield message_routes.router
    yield change_routes.router
    yield receipt_routes.router
    yield view_routes.router
    yield view_routes.of_user
    yield request_routes.router
    yield block_routes.router
    yield users_router.router
    yield settings_routes.router
    yield personal_data_router.router
    yield moderation_router.router
    yield realtime_router.router
    yield presence_routes.router
    if settings.environment == "local":
        yield local_routes.router
    if settings.metrics_token or settings.environment != "production":
        yield metrics_router(metrics, settings.metrics_token)


@asynccontextmanager
async def _open_bus(valkey: Valkey | None, metrics: Metrics) -> AsyncIterator[tuple[Bus, Pings]]:
    """Return the bus, and the check of Valkey if it goes through that."""
    if valkey is None:
        yield MemoryBus(), {}
        return
    async with ValkeyBus(valkey, metrics.valkey_changed).listening() as bus:
        yield bus, {"valkey": bus.check}


@asynccontextmanager
async def lifespan(settings: Settings, metrics: Metrics, limits: Limits, stop: StopSignal) -> AsyncIterator[State]:
    """Open clients and build what the process owns; at the end, close it in the reverse order."""
    async with AsyncExitStack() as stack:
        stack.callback(metrics.close)
        valkey = await stack.enter_async_context(open_valkey(settings, VALKEY_TRIAL, metrics.valkey_called))
        if valkey:
            await stack.enter_async_context(limits.settling(valkey))
        table = await stack.enter_async_context(open_table(settings, meter=CallerMeter(metrics.dynamodb)))
        postgres = await stack.enter_async_context(open_postgres(settings))
        # A proxy of the environment is for the world outside, not for a token issuer on this machine.
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=settings.environment == "production"))
        verifier = TokenVerifier(settings, client)
        stack.push_async_callback(verifier.aclose)
        tasks = TaskSet()
        caches = await stack.enter_async_context(open_caches(tasks, valkey, metrics.looked_up))
        bus, valkey_pings = await stack.enter_async_context(_open_bus(valkey, metrics))
        retention = Retention.of_days(settings.message_retention_days)
        store = MessagingStore(table, retention)
        catchup, unread = Catchup(store), UnreadCounter(store, caches)
        register = ValkeyRegister(valkey) if valkey else MemoryRegister()
        presence = PresenceFanOut(register, catchup, bus)
        user_settings = UserSettingsService(store.settings, caches, presence.on_shared)
        rules = NameRules(settings.reserved_handles)
        user_store = UserStore(postgres)
        users = Users(user_store, caches, ProfileFanOut(catchup, bus, tasks).publish, rules)
        views = Views(users, catchup, retention)
        members = Members(store.heads, caches)
        listeners = fan_out(unread.invalidate_changed, user_settings.withheld_from(bus.publish))
        group_fan_out = FanOut(store.heads, members, tasks, listeners)
        publish = group_fan_out.publish
        suspensions = Suspensions()
        messaging = Messaging(
            store,
            users,
            message_max_length=settings.message_max_length,
            tasks=tasks,
            publish=publish,
            limits=limits,
            suspensions=suspensions,
            members=members,
        )
        groups = Groups(
            messaging,
            store,
            users,
            max_members=settings.max_group_members,
            tasks=tasks,
            publish=publish,
            limits=limits,
            suspensions=suspensions,
        )
        await stack.enter_async_context(group_fan_out.working())
        blocks = Blocks(store, users, tasks=tasks, publish=presence.without_blocks(publish))
        changes = Changes(
            messaging,
            store,
            tasks=tasks,
            edit_window=timedelta(seconds=settings.edit_window_seconds),
            delete_window=timedelta(seconds=settings.delete_window_seconds),
            shows_edits=settings.shows_edits,
            limits=limits,
        )
        stack.push_async_callback(tasks.drain, DRAIN_SECONDS)
        export_leases = await stack.enter_async_context(
            StreamLeases(valkey, kind="exports", most=MAX_EXPORTS).renewed()
        )
        stream_leases = await stack.enter_async_context(StreamLeases(valkey).renewed())
        tracker = await stack.enter_async_context(PresenceTracker(register, store.settings, presence, tasks).tracking())
        hub = Hub(
            bus,
            catchup,
            views,
            metrics,
            stream_leases,
            most_streams=settings.max_event_streams,
            shows=tracker.with_presence(user_settings.shows),
            streaming=tracker.streaming,
        )
        stack.enter_context(stop.handled(hub.close))
        stack.callback(hub.close)
        accounts = AccountWatch(
            user_store, fan_out(suspensions.record, users.discard_accounts, hub.close_changed, presence.end_changed)
        )
        await stack.enter_async_context(accounts.watching())
        erasures = Erasures(
            users,
            SweepTools(MemberErasureStore(table), changes, user_store.erasures, groups.leave, publish),
            fan_out(hub.close_changed, presence.end_changed),
            handle_hold=timedelta(days=settings.handle_hold_days),
            removes_messages=settings.erased_messages == "remove",
        )
        await stack.enter_async_context(erasures.working())
        readiness = Readiness(
            {"dynamodb": store.check, "postgres": user_store.check, "token_keys": verifier.check, **valkey_pings},
            is_stopping=lambda: stop.received,
        )
        await stack.enter_async_context(readiness.started())
        yield State(
            table=table,
            postgres=postgres,
            verifier=verifier,
            readiness=readiness,
            tasks=tasks,
            users=users,
            messaging=messaging,
            changes=changes,
            receipts=Receipts(messaging, changes, user_settings),
            settings=user_settings,
            my_view=MyView(messaging, store, publish),
            blocks=blocks,
            groups=groups,
            requests=Requests(messaging, store, tasks=tasks, publish=publish),
            catchup=catchup,
            views=views,
            hub=hub,
            presence=PeerPresence(register, catchup, user_settings),
            unread=unread,
            caches=caches,
            erasures=erasures,
            export=Export(users, messaging, changes, user_settings, views, groups),
            export_leases=export_leases,
            reports=Reports(ReportStore(postgres), messaging, users),
            issuer=await asyncio.to_thread(LocalIssuer, settings) if settings.environment == "local" else None,
        )
