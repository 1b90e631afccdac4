"""Passwords that change: of a file, or tokens of RDS. Each new connection asks for the one of that moment."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.errors import Unavailable
from app.gateways.credentials import AwsCredentials
from app.gateways.dynamodb.client import region_of
from app.settings import DatabaseSettings

TOKEN_SECONDS: Final = 900
"""Life of a token, AWS's longest. A session that has begun lives on."""
_RDS_HOST: Final = re.compile(r".*\.([^.]+)\.rds\.amazonaws\.com")
"""The name of an RDS endpoint, which has its region."""

Password: TypeAlias = Callable[[], str | Awaitable[str]] | None


def password_of(settings: DatabaseSettings) -> Callable[[str, int], Password]:
    """Return a function that returns what asks for the password at a host and port.

    That is None if the password is in the URL, in PGPASSWORD or in a file of libpq's, which asyncpg reads.
    """
    if settings.database_password_file:
        file = settings.database_password_file
        return lambda _host, _port: lambda: _read(file)
    if settings.database_iam_auth:
        tokens = _IamTokens(settings)
        return lambda host, port: lambda: tokens.token(host, port)
    return lambda _host, _port: None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise Unavailable(
            "The password of Postgres cannot be read", remedy=f"check DATABASE_PASSWORD_FILE: {type(error).__name__}"
        ) from error


class _IamTokens:
    """Tokens of RDS for one user, valid for 15 minutes, signed here with the credentials of AWS's usual chain."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._credentials = AwsCredentials()

    async def token(self, host: str, port: int) -> str:
        """Return a token for a connection to this host. Raises Unavailable without credentials."""
        access_key, secret_key, token, *_ = await self._credentials.get()
        rds = _RDS_HOST.fullmatch(host)
        region = rds[1] if rds else region_of(self._settings, self._credentials.session)
        fields = {"Action": "connect", "DBUser": self._settings.parsed_url.user}
        request = AWSRequest("GET", f"https://{host}:{port}/", params=fields)
        SigV4QueryAuth(
            Credentials(access_key or "", secret_key or "", token), "rds-db", region, expires=TOKEN_SECONDS
        ).add_auth(request)
        return str(request.prepare().url).removeprefix("https://")
