"""The target of a command, and the confirmation that it needs before it changes anything."""

import signal
import sys
from urllib.parse import urlsplit

from app.cli.failures import Code, Failure
from app.settings import LOOPBACK, DatabaseSettings, ProcessSettings, TableSettings


def is_local(settings: ProcessSettings) -> bool:
    """Return whether everything that these settings name is on this machine and not called production."""
    hosts: list[str] = []
    if isinstance(settings, TableSettings):
        hosts.append(urlsplit(settings.dynamodb_endpoint_url or "").hostname or "")
    if isinstance(settings, DatabaseSettings):
        hosts += [host for host, _ in settings.parsed_url.hosts]
    return settings.environment != "production" and all(host in LOOPBACK or host.startswith("/") for host in hosts)


def announce_database(settings: DatabaseSettings) -> None:
    """Say on standard error where Postgres is, without its password."""
    where = "local Postgres" if is_local(settings) else f"{settings.environment} Postgres"
    announce(f"{where} {settings.parsed_url.place}")


def announce(place: str) -> None:
    """Say on standard error what the command works on."""
    print(f"Target: {place}", file=sys.stderr, flush=True)


def require_consent(settings: ProcessSettings, action: str, *, word: str, yes: bool, production: bool) -> None:
    """Raise a Failure off this machine without --production, and where neither --yes nor the word is given."""
    if not is_local(settings) and not production:
        place = "ENVIRONMENT is production" if settings.environment == "production" else "the target is not local"
        raise Failure(f"Refused to {action}: {place}. Add --production to do it all the same.", Code.REFUSED)
    require_answer(action, word=word, yes=yes)


def require_answer(action: str, *, word: str, yes: bool) -> None:
    """Raise a Failure where neither --yes nor the word is given."""
    if not yes and _answer(f"About to {action}. Type {word!r} to go on: ") != word:
        raise Failure(f"Not confirmed, so nothing was done. Answer {word!r}, or give --yes.", Code.REFUSED)


def require_consent_off_this_machine(settings: ProcessSettings, action: str, *, yes: bool, production: bool) -> None:
    """Require consent unless everything is on this machine; for actions that do no harm there."""
    if not is_local(settings):
        require_consent(settings, action, word="yes", yes=yes, production=production)


def _answer(question: str) -> str:
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio's would let readline go on
    try:
        print(question, end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, handler)
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    return answer.strip()
