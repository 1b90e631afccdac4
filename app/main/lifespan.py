"""The lifespan of a process: opens clients, puts the services together, and closes everything in the reverse order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from app.auth.issuer import LocalIssuer
from app.auth.tokens import TokenVerifier
from app.cache import Caches, open_caches, valkey_cache
from app.concurrency import TaskSet
from app.concurrency.publish import fan_out
from app.gateways.dynamodb import Table, open_table
from app.gateways.postgres import Postgres, open_postgres
from app.gateways.valkey import Valkey, open_valkey
from app.http.connection import StopSignal
from app.http.readiness import Pings, Readiness
from app.limits import CallerMeter, Limits, buckets
from app.main.state import State
from app.messaging.blocks import Blocks
from app.messaging.catchup import Catchup
from app.messaging.changes import Changes
from app.messaging.erasure_store import MemberErasureStore
from app.messaging.groups.fan_out import FanOut
from app.messaging.groups.members import Members
from app.messaging.groups.service import Groups
from app.messaging.my_view.service import MyView
from app.messaging.receipts import Receipts
from app.messaging.requests.service import Requests
from app.messaging.retention import Retention
from app.messaging.service import Messaging
from app.messaging.settings.service import UserSettingsService
from app.messaging.store import MessagingStore
from app.messaging.unread import UnreadCounter
from app.messaging.views import Views
from app.moderation.service import Reports
from app.moderation.store import ReportStore
from app.observability.metrics import Metrics
from app.personal_data.erasures import Erasures
from app.personal_data.export import Export
from app.personal_data.sweep import SweepTools
from app.realtime import leases, valkey_bus
from app.realtime.bus import Bus, MemoryBus
from app.realtime.hub import Hub
from app.realtime.leases import StreamLeases
from app.realtime.presence import register as presence_register
from app.realtime.presence.fan_out import PresenceFanOut
from app.realtime.presence.register import MemoryRegister, ValkeyRegister
from app.realtime.presence.service import PeerPresence
from app.realtime.presence.tracker import PresenceTracker
from app.realtime.profiles import ProfileFanOut
from app.realtime.valkey_bus import ValkeyBus
from app.settings import Settings
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


@dataclass(frozen=True, slots=True)
class Resources:
    """The connections, caches and tasks of a process, which are opened first and closed last."""

    valkey: Valkey | None
    table: Table
    postgres: Postgres
    verifier: TokenVerifier
    tasks: TaskSet
    caches: Caches
    bus: Bus
    valkey_pings: Pings


@asynccontextmanager
async def _open_bus(valkey: Valkey | None, metrics: Metrics) -> AsyncIterator[tuple[Bus, Pings]]:
    """Return the bus, and the check of Valkey if it goes through that."""
    if valkey is None:
        yield MemoryBus(), {}
        return
    async with ValkeyBus(valkey, metrics.valkey_changed).listening() as bus:
        yield bus, {"valkey": bus.check}


@asynccontextmanager
async def _open_resources(settings: Settings, metrics: Metrics, limits: Limits) -> AsyncIterator[Resources]:
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
        bus, pings = await stack.enter_async_context(_open_bus(valkey, metrics))
        yield Resources(valkey, table, postgres, verifier, tasks, caches, bus, pings)


class Parts:
    """The stores, what reads them, and the listeners of what is written: services are made of them."""

    def __init__(self, resources: Resources, settings: Settings) -> None:
        tasks, caches, bus = resources.tasks, resources.caches, resources.bus
        retention = Retention.of_days(settings.message_retention_days)
        self.store = MessagingStore(resources.table, retention)
        self.user_store = UserStore(resources.postgres)
        self.catchup, self.unread = Catchup(self.store), UnreadCounter(self.store, caches)
        self.register = ValkeyRegister(resources.valkey) if resources.valkey else MemoryRegister()
        self.presence = PresenceFanOut(self.register, self.catchup, bus)
        self.user_settings = UserSettingsService(self.store.settings, caches, self.presence.on_shared)
        profiles = ProfileFanOut(self.catchup, bus, tasks)
        self.users = Users(self.user_store, caches, profiles.publish, NameRules(settings.reserved_handles))
        self.suspensions = Suspensions()
        self.views = Views(self.users, self.catchup, retention)
        self.members = Members(self.store.heads, caches)
        listeners = fan_out(self.unread.invalidate_changed, self.user_settings.withheld_from(bus.publish))
        self.group_fan_out = FanOut(self.store.heads, self.members, tasks, listeners)
        self.publish = self.group_fan_out.publish


class LogServices:
    """The services that write the logs of groups."""

    def __init__(self, parts: Parts, settings: Settings, *, tasks: TaskSet, limits: Limits) -> None:
        self.messaging = Messaging(
            parts.store,
            parts.users,
            message_max_length=settings.message_max_length,
            tasks=tasks,
            publish=parts.publish,
            limits=limits,
            suspensions=parts.suspensions,
            members=parts.members,
        )
        self.groups = Groups(
            self.messaging,
            parts.store,
            parts.users,
            max_members=settings.max_group_members,
            tasks=tasks,
            publish=parts.publish,
            limits=limits,
            suspensions=parts.suspensions,
        )
        self.changes = Changes(
            self.messaging,
            parts.store,
            tasks=tasks,
            edit_window=timedelta(seconds=settings.edit_window_seconds),
            delete_window=timedelta(seconds=settings.delete_window_seconds),
            shows_edits=settings.shows_edits,
            limits=limits,
        )


@asynccontextmanager
async def _open_hub(
    resources: Resources, parts: Parts, settings: Settings, *, metrics: Metrics, stop: StopSignal
) -> AsyncIterator[Hub]:
    """Open what streams need. They are closed at the stop signal, or at the end of the block."""
    tracker = PresenceTracker(parts.register, parts.store.settings, parts.presence, resources.tasks)
    async with StreamLeases(resources.valkey).renewed() as stream_leases, tracker.tracking():
        hub = Hub(
            resources.bus,
            parts.catchup,
            parts.views,
            metrics,
            stream_leases,
            most_streams=settings.max_event_streams,
            shows=tracker.with_presence(parts.user_settings.shows),
            streaming=tracker.streaming,
        )
        with stop.handled(hub.close):
            try:
                yield hub
            finally:
                hub.close()


@asynccontextmanager
async def lifespan(settings: Settings, metrics: Metrics, limits: Limits, stop: StopSignal) -> AsyncIterator[State]:
    """Open clients and build what the process owns; at the end, close it in the reverse order."""
    async with _open_resources(settings, metrics, limits) as resources, AsyncExitStack() as stack:
        tasks, parts = resources.tasks, Parts(resources, settings)
        store, users, publish = parts.store, parts.users, parts.publish
        services = LogServices(parts, settings, tasks=tasks, limits=limits)
        messaging, groups, changes = services.messaging, services.groups, services.changes
        await stack.enter_async_context(parts.group_fan_out.working())
        stack.push_async_callback(tasks.drain, DRAIN_SECONDS)
        export_leases = StreamLeases(resources.valkey, kind="exports", most=MAX_EXPORTS)
        await stack.enter_async_context(export_leases.renewed())
        hub = await stack.enter_async_context(_open_hub(resources, parts, settings, metrics=metrics, stop=stop))
        end_live = fan_out(hub.close_changed, parts.presence.end_changed)
        on_changed = fan_out(parts.suspensions.record, users.discard_accounts, end_live)
        await stack.enter_async_context(AccountWatch(parts.user_store, on_changed).watching())
        member_store, erasure_store = MemberErasureStore(resources.table), parts.user_store.erasures
        erasures = Erasures(
            users,
            SweepTools(member_store, changes, erasure_store, groups.leave, publish),
            end_live,
            handle_hold=timedelta(days=settings.handle_hold_days),
            removes_messages=settings.erased_messages == "remove",
        )
        await stack.enter_async_context(erasures.working())
        stores: Pings = {"dynamodb": store.check, "postgres": parts.user_store.check}
        pings: Pings = {**stores, "token_keys": resources.verifier.check, **resources.valkey_pings}
        readiness = Readiness(pings, is_stopping=lambda: stop.received)
        await stack.enter_async_context(readiness.started())
        yield State(
            table=resources.table,
            postgres=resources.postgres,
            verifier=resources.verifier,
            readiness=readiness,
            tasks=tasks,
            users=users,
            messaging=messaging,
            changes=changes,
            receipts=Receipts(messaging, changes, parts.user_settings),
            settings=parts.user_settings,
            my_view=MyView(messaging, store, publish),
            blocks=Blocks(store, users, tasks=tasks, publish=parts.presence.without_blocks(publish)),
            groups=groups,
            requests=Requests(messaging, store, tasks=tasks, publish=publish),
            catchup=parts.catchup,
            views=parts.views,
            hub=hub,
            presence=PeerPresence(parts.register, parts.catchup, parts.user_settings),
            unread=parts.unread,
            caches=resources.caches,
            erasures=erasures,
            export=Export(users, messaging, changes, parts.user_settings, parts.views, groups),
            export_leases=export_leases,
            reports=Reports(ReportStore(resources.postgres), messaging, users),
            issuer=await asyncio.to_thread(LocalIssuer, settings) if settings.environment == "local" else None,
        )
