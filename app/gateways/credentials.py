"""AwsCredentials: the credentials of AWS's usual chain, found and renewed beside the calls that need them.

Botocore asks the endpoints of containers and instances in the call that needs credentials, and keeps for its life what
a client found at its start. Here each search is a task of its own: no deadline of a request ends it, an endpoint that
is slow or fails at the start is asked again, and credentials that expire soon are renewed while they still serve.
"""

import asyncio
from typing import Final, cast

import structlog
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError

from app.concurrency import Backoff
from app.errors import Unavailable

log = structlog.get_logger(__name__)

NOT_FOUND: Final = "There are no AWS credentials"
REMEDY: Final = "give the process a role, set AWS_PROFILE, or sign in"
SEARCH: Final = Backoff(1.0, 30.0)
"""Between two searches that found nothing."""
MAX_TIMEOUT: Final = 8
"""Longest patience with an instance's metadata, in seconds. It begins with AWS's default of one, and doubles."""


class AwsCredentials:
    """The credentials of a process. `session` is that of the last search, with the same credentials."""

    def __init__(self, *, aws_access_key_id: str = "", aws_secret_access_key: str = "") -> None:
        """Take fixed credentials in place of AWS's chain."""
        self._fixed = (aws_access_key_id, aws_secret_access_key) if aws_access_key_id else None
        self._failures = 0
        self.session = self._new_session()  # takes 20 ms of CPU
        self._has_searched = False
        self._found: Credentials | None = None
        self._frozen: ReadOnlyCredentials | None = None
        self._fault = Unavailable(NOT_FOUND, remedy=REMEDY)
        self._next_at = self._found_at = 0.0
        self._search: asyncio.Task[None] | None = None

    async def get(self) -> ReadOnlyCredentials:
        """Return the credentials of this moment. Raises Unavailable if there are none, or none but expired ones."""
        if self._frozen is None or self._expires(within=None):
            if (self._search is None or self._search.done()) and asyncio.get_running_loop().time() >= self._next_at:
                self._search = asyncio.create_task(self._try_to_find())
            if self._search and not self._search.done() and (self._frozen is None or self._expires(within=0)):
                await asyncio.wait({self._search})
        if self._frozen is None or self._expires(within=0):
            raise self._fault
        return self._frozen

    def discard(self) -> None:
        """Search anew at the next call, as AWS does not accept these; those of the last moments stay."""
        if not self._fixed and asyncio.get_running_loop().time() - self._found_at >= SEARCH.longest:
            self._found = self._frozen = None

    async def aclose(self) -> None:
        """Cancel a running search."""
        if self._search:
            self._search.cancel()
            await asyncio.wait({self._search})

    def _expires(self, *, within: int | None) -> bool:
        """Return whether they expire within these seconds, by default within the time in which AWS's clients renew."""
        return isinstance(self._found, RefreshableCredentials) and self._found.refresh_needed(refresh_in=within)

    async def _try_to_find(self) -> None:
        try:
            await self._find()
        except Exception as error:  # noqa: BLE001  # botocore raises errors of many kinds for expired credentials
            if self._expires(within=0):
                self._found = self._frozen = None  # the next search begins anew
            # Not the text of the error, which may repeat what an endpoint or a program has answered.
            fields = error.kwargs if isinstance(error, BotoCoreError) else {}
            sources = [str(fields[name]) for name in ("provider", "profile") if name in fields]
            self._fail(": ".join([type(error).__name__, *sources]))

    async def _find(self) -> None:
        if self._found is None:
            if self._has_searched:  # a session keeps what it has found
                self.session = self._new_session()
            self._has_searched = True
            self._found = await self.session.get_credentials()
        if self._found is None:
            self._fail("none of AWS's sources has any")
            return
        self._frozen = await cast(AioCredentials, self._found).get_frozen_credentials()
        if self._expires(within=None):
            self._fail("they were not renewed")
        else:
            self._failures, self._found_at = 0, asyncio.get_running_loop().time()

    def _fail(self, cause: str) -> None:
        seconds = SEARCH.seconds(self._failures)
        self._failures += 1
        self._next_at = asyncio.get_running_loop().time() + seconds
        self._fault = Unavailable(NOT_FOUND, remedy=f"{REMEDY} ({cause})")
        log.error("aws_credentials_unavailable", cause=cause, remedy=REMEDY, next_attempt_in=round(seconds, 1))

    def _new_session(self) -> AioSession:
        session = AioSession()
        if self._fixed:
            session.set_credentials(*self._fixed)
        if self._failures:
            seconds = int(session.get_config_variable("metadata_service_timeout")) * 2**self._failures
            session.set_config_variable("metadata_service_timeout", min(seconds, MAX_TIMEOUT))
        return session
