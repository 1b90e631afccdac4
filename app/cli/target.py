"""What a command works on, how it says so, and how it makes sure before anything is destroyed."""

import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from app.cli.failures import Code, Failure
from app.cli.local_service import running_settings

if TYPE_CHECKING:
    from app.gateways.dynamodb.operator import OperatedTable
    from app.settings import DatabaseSettings, ProcessSettings, TableSettings
    from app.users.store import UserStore

S = TypeVar("S", bound="ProcessSettings")

STATEMENT_SECONDS: Final = 120
"""An operator's statement may change every row; a request's may not."""

CHECKOUT: Final = Path(__file__).resolve().parents[2]
DECISIVE: Final = ("DATABASE_URL", "DYNAMODB_ENDPOINT_URL")
"""Whoever sets one of these, or an ENVIRONMENT other than local, has said what to work on."""


def adopt_running() -> None:
    """Take the settings of a running scripts/up, unless the environment says what to work on."""
    decided = any(os.environ.get(name) for name in DECISIVE) or os.environ.get("ENVIRONMENT", "local") != "local"
    if not decided:
        for name, value in running_settings(Path(os.environ.get("DATA_DIR") or CHECKOUT / ".data")).items():
            os.environ.setdefault(name, value)


def running_service(settings: "TableSettings") -> str | None:
    """The address of the service that a running scripts/up serves from this table."""
    running = running_settings(Path(os.environ.get("DATA_DIR") or CHECKOUT / ".data"))
    place = running.get("DYNAMODB_ENDPOINT_URL"), running.get("DYNAMODB_TABLE") or settings.dynamodb_table
    is_same = place == (settings.dynamodb_endpoint_url, settings.dynamodb_table)
    return f"http://127.0.0.1:{running['PORT']}" if running and is_same else None


def configure_logs() -> None:
    """JSON lines on standard error, if LOG_LEVEL (or --debug) asks for them: else a command's own words are enough."""
    import structlog  # noqa: PLC0415  # --help does without

    level = os.environ.get("LOG_LEVEL") or "CRITICAL"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level, logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("alembic").setLevel(logging.ERROR)


def read_settings(kind: type[S]) -> S:
    """The settings that a command needs and no more; each that is missing or wrong in one sentence."""
    with _wrong_settings_explained():
        return kind()


@contextmanager
def _wrong_settings_explained() -> Iterator[None]:
    from pydantic import ValidationError  # noqa: PLC0415  # slow to load

    try:
        yield
    except ValidationError as error:
        wrong = ", ".join(_wrong(str(each["loc"][0]) if each["loc"] else "", each["msg"]) for each in error.errors())
        raise Failure(f"{wrong}. Set it right, or start scripts/up to work locally.", Code.USAGE) from None


def _wrong(name: str, message: str) -> str:
    """Without pydantic's own words."""
    if message == "Field required":
        return f"{name.upper()} is not set"
    return f"{name.upper()} {message}".removeprefix(" ").replace("Value error, ", "")


def is_local(settings: "ProcessSettings") -> bool:
    """Whether everything that these settings name is on this machine and not called production."""
    from app.settings import LOOPBACK, DatabaseSettings, TableSettings  # noqa: PLC0415  # slow to load

    urls: list[str] = []
    if isinstance(settings, TableSettings):
        urls.append(settings.dynamodb_endpoint_url or "")
    if isinstance(settings, DatabaseSettings):
        urls.append(settings.database_url.get_secret_value())
    return settings.environment != "production" and all(urlsplit(url).hostname in LOOPBACK for url in urls)


@asynccontextmanager
async def open_table(settings: "TableSettings", *, name: str | None = None) -> AsyncIterator["OperatedTable"]:
    """The table to work on, after saying on standard error where it is."""
    from app.gateways.dynamodb.operator import open_operated_table  # noqa: PLC0415  # slow to load

    with _wrong_settings_explained():
        chosen = settings.model_validate(settings.model_dump() | {"dynamodb_table": name}) if name else settings
    await tell_table(chosen)
    async with open_operated_table(chosen) as table:
        yield table


async def tell_table(settings: "TableSettings") -> None:
    """Say where the table is."""
    _tell(await _table_place(settings))


async def _table_place(settings: "TableSettings") -> str:
    table = f"table {settings.dynamodb_table}"
    if settings.dynamodb_endpoint_url:
        where = "local engine" if is_local(settings) else f"{settings.environment} engine"
        return f"{where} {settings.dynamodb_endpoint_url}, {table}"
    return f"AWS account {await _account(settings)}, region {settings.aws_region}, {table}"


async def _account(settings: "TableSettings") -> str:
    from app.gateways.aws import open_aws  # noqa: PLC0415  # slow to load

    async with open_aws(settings) as aws:
        return str((await aws.call("sts", "get_caller_identity"))["Account"])


@asynccontextmanager
async def open_users(settings: "DatabaseSettings") -> AsyncIterator["UserStore"]:
    """The users to work on, after saying on standard error where they are."""
    from app.gateways.postgres import open_postgres  # noqa: PLC0415  # slow to load
    from app.users.store import UserStore  # noqa: PLC0415  # slow to load

    tell_database(settings)
    async with open_postgres(settings, statement_seconds=STATEMENT_SECONDS) as postgres:
        yield UserStore(postgres)


def tell_database(settings: "DatabaseSettings") -> None:
    """Say where Postgres is, without its password."""
    parts = urlsplit(settings.database_url.get_secret_value())
    where = "local Postgres" if is_local(settings) else f"{settings.environment} Postgres"
    _tell(f"{where} {parts.hostname}:{parts.port or 5432}, database {parts.path.lstrip('/')}")


def _tell(place: str) -> None:
    print(f"Target: {place}", file=sys.stderr, flush=True)


def require_consent(settings: "ProcessSettings", deed: str, *, word: str, yes: bool, production: bool) -> None:
    """Make sure that it is meant: refuse without --production off this machine, ask for the word without --yes."""
    if not is_local(settings) and not production:
        place = "ENVIRONMENT is production" if settings.environment == "production" else "the target is not local"
        raise Failure(f"Refused to {deed}: {place}. Add --production if you mean it.", Code.REFUSED)
    if not yes and _answer(f"About to {deed}. Type {word!r} to go on: ") != word:
        raise Failure(f"Not confirmed, so nothing was done. Answer {word!r}, or give --yes.", Code.REFUSED)


def require_consent_off_this_machine(settings: "ProcessSettings", deed: str, *, yes: bool, production: bool) -> None:
    """The same for what does no harm here."""
    if not is_local(settings):
        require_consent(settings, deed, word="yes", yes=yes, production=production)


def _answer(question: str) -> str:
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    return answer.strip()
