"""The tables of bounds in docs/operations.md say what the code says, and every row has its constant."""

import re

import app.__main__ as server
from app import concurrency, settings
from app.auth import keys, strict_json, tokens
from app.cache import cache, valkey_cache
from app.gateways import postgres
from app.gateways.dynamodb import client as dynamodb
from app.gateways.dynamodb import connection, table
from app.gateways.valkey import client as valkey
from app.http import limits, middleware, problems, protocol, readiness, routes, types
from app.limits import rates
from app.main import lifespan
from app.messaging import (
    catchup,
    changes,
    group_locks,
    hiding,
    inbox,
    log,
    mention_schemas,
    mention_store,
    projection,
    row_models,
    schemas,
    service,
    unread,
)
from app.messaging.groups import changes as group_changes
from app.messaging.groups import fan_out as group_fan_out
from app.messaging.groups import members
from app.messaging.groups import store as head_store
from app.messaging.my_view import pins
from app.messaging.requests import store as requests
from app.messaging.settings import service as user_settings
from app.moderation import service as reports
from app.personal_data import erasures, export, export_stream, sweep
from app.realtime import bus, event_stream, hub, leases, missed, profiles, replay, stream, valkey_bus
from app.realtime.presence import fan_out, register, tracker
from app.users import account_watch, erasure_store, suspensions
from scripts.bootstrap import ROOT


def size(count: int) -> str:
    """Return a number of bytes as the tables write it."""
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count // 2**10} KiB"


HEAD = f"{size(protocol.MAX_HEAD_BYTES)}, {protocol.MAX_FIELDS} fields"
VALUES = {
    "Connections": [
        HEAD,
        HEAD,
        size(protocol.MAX_BODY_BYTES),
        f"{protocol.REQUEST_SECONDS:g} s",
        f"{protocol.MAX_PIPELINED}",
        f"{size(protocol.READ_BYTES)} or all of it are read in {protocol.READ_SECONDS:g} s",
        size(protocol.KERNEL_BYTES),
        "`KEEP_ALIVE_SECONDS`",
        "`MAX_CONNECTIONS`, `MAX_CONNECTIONS_PER_ADDRESS`",
        f"a line in {protocol.LOG_SECONDS:g} s",
    ],
    "Requests": [
        "`MAX_REQUESTS_IN_FLIGHT`, `MAX_REQUESTS_PER_ACCOUNT`",
        f"{limits.TURNS}, {limits.TURN_SECONDS[0]:g} to {limits.TURN_SECONDS[1]:g} s",
        f"{rates.REFUSAL.burst:g}, then {rates.REFUSAL.per_second:g} in 1 s",
        f"{size(routes.MAX_BODY_BYTES)}, {routes.BODY_SECONDS:g} s",
        f"{strict_json.MAX_DEPTH} levels, {strict_json.MAX_MEMBERS}",
        f"{problems.MAX_ERRORS}",
        f"{tokens.MAX_HEADER_LENGTH:,} characters",
        f"{middleware.MAX_LINES} in a second",
        f"`MESSAGE_MAX_LENGTH`, at most {settings.LONGEST_MESSAGE:,} characters",
        f"{types.PAGE}",
        f"{reports.NOTE_LENGTH:,} characters, {reports.AROUND} each",
        f"{changes.MAX_EDITS}; {changes.USER_REACTIONS}, {changes.MESSAGE_REACTIONS}",
        f"{mention_schemas.MAX_MENTIONS}; {row_models.MAX_MENTIONS_COUNTED}, {mention_store.MAX_MENTIONS_KEPT}",
        f"{mention_store.MAX_SKIPPED}",
        f"{schemas.MIN_EXPIRES_IN} s to {schemas.MAX_EXPIRES_IN // 86400} days",
        f"{row_models.MAX_GONE}; {hiding.MAX_HIDDEN}",
        f"{catchup.GROUPS}, {catchup.MESSAGES} each",
        f"{requests.MAX_MESSAGES}",
        f"{log.NUMBERS_AFTER}",
        f"{log.NEWEST_COMPARED}",
        f"{pins.MAX_PINS}",
        f"{inbox.WHOLE_INBOX} groups, {unread.COUNTED_WHOLE} groups",
        f"{inbox.MAX_ROUNDS}, {inbox.ROWS_AT_ONCE}",
    ],
    "Deadlines": [
        f"{concurrency.READ_SECONDS:g} s",
        f"{concurrency.SEND_SECONDS:g} s, {2 * concurrency.SEND_SECONDS:g} s",
        f"{projection.WAIT_SECONDS:g} s",
        f"{dynamodb.READ_SECONDS:g} s, {table.MAX_ATTEMPTS}",
        f"{connection.CONNECT_SECONDS:g} s",
        f"{postgres.STATEMENT_SECONDS:g} s",
        f"{valkey.CALL_SECONDS:g} s, {valkey.BREAKER_SECONDS:g} s",
        f"{keys.WAIT_SECONDS:g} s",
        f"{keys.FETCH_TIMEOUT:g} s, {size(keys.MAX_BODY)}, one in {keys.FETCH_INTERVAL:g} s",
        f"{keys.FRESH_AGE:g} s, {keys.USABLE_AGE / 3600:g} h",
        f"every {tokens.CHECK_INTERVAL:g} s",
        f"{tokens.MAX_LIFETIME / 3600:g} h",
        f"every {account_watch.POLL_INTERVAL:g} s",
        f"{readiness.CHECK_SECONDS:g} s",
        f"{server.DRAIN_SECONDS:g} s, {lifespan.DRAIN_SECONDS:g} s",
    ],
    "Streams": [
        f"`MAX_EVENT_STREAMS`, {hub.RESERVED_SHARE:.0%}".replace("%", " %"),
        f"{leases.MAX_USER_STREAMS}, {leases.LEASE_SECONDS} s",
        f"{bus.QUEUE_EVENTS} events, {size(bus.QUEUE_BYTES)}",
        size(event_stream.BUFFER_BYTES),
        f"{replay.RESUME_SECONDS:g} s, {replay.USER_EVENTS} events, {size(replay.RESUME_BYTES)}",
        f"{missed.REPLAY_GROUPS}, {catchup.MESSAGES}",
        f"{stream.REMEMBERED_ROWS}",
        f"one in {service.TYPING_INTERVAL:g} s",
        f"one in {profiles.RENAME_INTERVAL:g} s",
        f"one in {register.TELL_INTERVAL} s",
        f"{register.ONLINE_SECONDS} s, {register.LAST_SEEN_DAYS} days",
        f"{tracker.AT_ONCE} in a second",
        f"{catchup.NEWEST}",
        f"{valkey_bus.MAX_UNNOTIFIED:,}",
        f"{lifespan.MAX_EXPORTS}",
        f"{export.PAGE}, {size(export_stream.BUFFER_BYTES)}",
        f"every {stream.RECONCILE_INTERVAL:g} s, every {stream.UNRELIABLE_RECONCILE_INTERVAL:g} s",
    ],
    "Memory and background work": [
        f"{cache.MAX_ENTRIES:,}",
        f"{tokens.CACHE_SIZE:,}, {tokens.CACHE_SECONDS:g} s",
        f"{suspensions.MOST_SUSPENDED:,}",
        f"{user_settings.TTL:g} s",
        f"{register.MAX_RECORDS:,}, {fan_out.MAX_UNREMOVED:,}",
        f"{inbox.MAX_REMEMBERED:,}",
        f"{group_locks.MAX_TAILS:,}",
        f"{connection.MAX_CONNECTIONS}",
        "`DATABASE_POOL_SIZE`",
        f"{projection.MAX_PENDING:,}, {projection.ATTEMPTS}",
        f"{head_store.WRITES_AT_ONCE}, {group_fan_out.ATTEMPTS}",
        f"every {group_fan_out.PENDING_INTERVAL:g} s, {group_fan_out.PENDING_AT_ONCE} groups",
        f"{members.TTL:g} s",
        f"{group_changes.ATTEMPTS}",
        f"{valkey_cache.MAX_PENDING:,}",
        f"{sweep.WRITES_PER_SECOND:g} in a second; {sweep.QUIET_SECONDS:g} s",
        f"every {erasures.POLL_INTERVAL:g} s, {erasure_store.LEASE_SECONDS} s",
    ],
}
"""The value of each row, by the heading of its table."""


def tables() -> dict[str, list[list[str]]]:
    """Return the rows of each table of bounds, by its heading."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition("\n## Bounds\n")[2], flags=re.MULTILINE)[0]
    parts = [part.partition("\n") for part in section.split("\n### ")[1:]]
    return {
        heading: [row.strip("| ").split(" | ") for row in rows.splitlines() if row.startswith("| ")][1:]
        for heading, _, rows in parts
    }


def test_the_tables_have_the_values_of_the_code() -> None:
    assert {heading: [row[1] for row in rows] for heading, rows in tables().items()} == VALUES


def test_every_setting_in_a_table_is_one() -> None:
    names = re.findall(r"`([A-Z_]+)`", " ".join(value for values in VALUES.values() for value in values))
    assert {name.lower() for name in names} <= settings.ServerSettings.model_fields.keys()
