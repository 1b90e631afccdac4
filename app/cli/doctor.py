"""The command doctor: checks everything that the service needs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final

import httpx
import typer

from app.auth.tokens import TokenVerifier
from app.cli.console import Console
from app.cli.failures import Failure
from app.cli.options import Json, examples
from app.cli.services import open_table, open_user_store
from app.cli.table.schema import differences
from app.cli.valkey_checks import valkey_checks
from app.errors import AppError, InvalidSettings, with_hint
from app.gateways.dynamodb.client import region_of
from app.settings import DatabaseSettings, Settings, TableSettings, read_settings
from migrations.postgres import MigrationFailed, versions

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SKEW_SECONDS: Final = 60
"""A larger skew is wrong: AWS refuses requests that are 5 minutes off, and tokens have a leeway of 30 seconds."""

Check = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a check; `detail` is the state, or the remedy."""

    name: str
    is_ok: bool
    detail: str


@app.command("doctor", epilog=examples("doctor", "doctor --json"))
async def doctor(json: Json = False) -> None:
    """Check the settings and everything that the service needs.

    That is DynamoDB and its credentials, clock, table, index, Postgres, schema, Valkey and token keys. Nothing is
    changed. Each line is ok or says what to do; exit code 1 if anything is wrong.
    """
    console = Console(json)
    checks = {"postgres": _postgres, "schema": _schema, "clock": _clock, "token keys": _token_keys, **valkey_checks()}
    results = [await _result("settings", _settings), *await _table_results()]
    results += [await _result(name, check) for name, check in checks.items()]
    records = ({"check": result.name, "ok": result.is_ok, "detail": result.detail} for result in results)
    rows = [(result.name, "ok" if result.is_ok else "WRONG", result.detail) for result in results]
    console.listing(records, ["check", "", ""], rows)
    if wrong := sum(not result.is_ok for result in results):
        raise Failure(f"{wrong} of {len(results)} checks failed.")


async def _result(name: str, check: Check) -> Result:
    try:
        return Result(name, True, await check())
    except (AppError, Failure, InvalidSettings, MigrationFailed, httpx.HTTPError) as error:
        return Result(name, False, with_hint(error))


async def _table_results() -> list[Result]:
    """Return the results of the checks of one description of the table, or the failure to get it."""
    try:
        settings = read_settings(TableSettings)
        async with open_table(settings) as table:
            found = await table.describe()
    except (AppError, InvalidSettings) as error:
        return [Result("dynamodb", False, with_hint(error))]
    answers = Result("dynamodb", True, "answers, and accepts the credentials")
    checks = {"table": partial(_table, found, settings)} | ({"index": partial(_index, found)} if found else {})
    return [answers, *[await _result(name, check) for name, check in checks.items()]]


async def _settings() -> str:
    settings = read_settings(Settings)
    return f"ENVIRONMENT={settings.environment}, everything that the service needs is set"


async def _table(found: Mapping[str, Any] | None, settings: TableSettings) -> str:
    if found is None:
        raise Failure(f"there is no table {settings.dynamodb_table}: `cruddur schema-load` creates it")
    if wrong := "; ".join(differences(found, settings)):
        raise Failure(f"{wrong}: change the settings or the table")
    return f"{settings.dynamodb_table} is as the settings say, {found['TableStatus'].lower()}"


async def _index(found: Mapping[str, Any]) -> str:
    states = {index["IndexName"]: index.get("IndexStatus") for index in found.get("GlobalSecondaryIndexes", ())}
    if not states or set(states.values()) != {"ACTIVE"}:
        raise Failure(f"{states or 'there is none'}: wait until it is active, or create the table anew")
    return f"{', '.join(states)} is active"


async def _postgres() -> str:
    async with open_user_store(read_settings(DatabaseSettings)) as store:
        await store.check()
        return "answers, there are no users yet: `cruddur seed`" if await store.is_empty() else "answers, has users"


async def _schema() -> str:
    found = await asyncio.to_thread(versions, read_settings(DatabaseSettings))
    if missing := [version.revision for version in found if not version.is_applied]:
        raise Failure(f"version {', '.join(missing)} is not applied: `cruddur migrate`")
    return f"version {found[-1].revision}, the newest"


async def _clock() -> str:
    """Compare with the Date header of DynamoDB's response, which needs no signed request."""
    settings = read_settings(TableSettings)
    url = settings.dynamodb_endpoint_url or f"https://dynamodb.{region_of(settings)}.amazonaws.com"
    async with httpx.AsyncClient(timeout=3, trust_env=not settings.dynamodb_endpoint_url) as client:
        response = await client.get(url)
    if "date" not in response.headers:
        return "this engine does not tell the time"
    skew = parsedate_to_datetime(response.headers["date"]).timestamp() - time.time()
    if abs(skew) > SKEW_SECONDS:
        raise Failure(f"this machine's clock is {skew:+.0f} s off: set it, or requests and tokens are refused")
    return f"within {max(1, round(abs(skew)))} s of DynamoDB's"


async def _token_keys() -> str:
    settings = read_settings(Settings)
    client = httpx.AsyncClient(trust_env=settings.environment == "production")
    async with client, aclosing(TokenVerifier(settings, client)) as verifier:
        try:
            await verifier.check()
        except AppError as error:
            raise Failure(f"no keys at {settings.jwks_url}: is the issuer's address right, is it up?") from error
    return f"{settings.jwks_url} has keys"
