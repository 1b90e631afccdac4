"""AWS Signature Version 4 of requests without a query to the path `/`, which all of DynamoDB's are."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from functools import lru_cache

ALGORITHM = "AWS4-HMAC-SHA256"


class Signer:
    """Signs for one region and service with the credentials of the moment.

    `ahead` is how many seconds the server's clock is ahead of this machine's.
    """

    def __init__(self, region: str, service: str) -> None:
        self.ahead = 0.0
        self._region = region
        self._service = service

    def now(self) -> str:
        """Return the server's time in the form of X-Amz-Date."""
        return _timestamp(int(time.time() + self.ahead))

    def authorization(self, headers: Mapping[str, str], body: bytes, *, access_key: str, secret_key: str) -> str:
        """Return the Authorization header of a POST.

        `headers` are all that it signs, sorted by name and in lower case; `x-amz-date` is a member.
        """
        at = headers["x-amz-date"]
        scope = f"{at[:8]}/{self._region}/{self._service}/aws4_request"
        names = ";".join(headers)
        lines = "".join([f"{name}:{value}\n" for name, value in headers.items()])
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        text = f"{ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(_signing_key(secret_key, scope), text.encode(), "sha256").hex()
        return f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"


@lru_cache(maxsize=4)
def _timestamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


@lru_cache(maxsize=4)
def _signing_key(secret_key: str, scope: str) -> bytes:
    """Return the key of a day; a process needs a single one, and two when its credentials or the day change."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
