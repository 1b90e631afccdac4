"""Credentials from a container's endpoint that is slow, fails, recovers, and lets them expire."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from botocore.utils import ContainerMetadataFetcher

from app.concurrency import Backoff
from app.errors import Unavailable
from app.gateways.credentials import AwsCredentials

VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@dataclass
class Metadata:
    """The endpoint that a container asks for its credentials."""

    status: int = 200
    seconds: float = 0
    life: timedelta = timedelta(hours=1)
    asked: int = 0
    port: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        self.waiting.set()
        await asyncio.sleep(self.seconds)
        expires = (datetime.now(UTC) + self.life).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = {"AccessKeyId": f"KEY{self.asked}", "SecretAccessKey": "s", "Token": "t", "Expiration": expires}
        body = json.dumps(found).encode()
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (self.status, len(body)))
        writer.write(body)
        writer.close()


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    monkeypatch.setattr("app.gateways.credentials.SEARCH", Backoff(0, 0))


@pytest_asyncio.fixture
async def metadata(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Metadata]:
    endpoint = Metadata()
    server = await asyncio.start_server(endpoint, "127.0.0.1", 0)
    endpoint.port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{endpoint.port}/credentials")
    yield endpoint
    server.close()


@pytest_asyncio.fixture
async def credentials() -> AsyncIterator[AwsCredentials]:
    credentials = AwsCredentials()
    yield credentials
    await credentials.aclose()


async def found_soon(credentials: AwsCredentials, accept: Callable[[str | None], bool] = bool) -> str:
    async with asyncio.timeout(20):
        while True:
            try:
                found = await credentials.get()
            except Unavailable:
                await asyncio.sleep(0.02)
                continue
            if accept(found.access_key):
                return str(found.access_key)
            await asyncio.sleep(0.02)


async def test_an_endpoint_that_fails_at_the_start_is_asked_again(
    credentials: AwsCredentials, metadata: Metadata
) -> None:
    metadata.status = 500
    for _ in range(2):
        with pytest.raises(Unavailable, match="no AWS credentials") as error:
            await credentials.get()
        assert error.value.remedy.endswith("(CredentialRetrievalError: container-role)")
    metadata.status = 200
    assert await found_soon(credentials)


async def test_no_deadline_of_a_request_ends_the_search(credentials: AwsCredentials, metadata: Metadata) -> None:
    """Each request has less time than the endpoint takes."""
    metadata.seconds = 0.5
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await credentials.get()
    assert await found_soon(credentials)
    assert metadata.asked == 1


async def test_what_appears_later_is_found(credentials: AwsCredentials, tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    with pytest.raises(Unavailable) as error:
        await credentials.get()
    assert "none of AWS's sources" in error.value.remedy
    file.write_text("[default]\naws_access_key_id = A\naws_secret_access_key = B\n")
    assert await found_soon(credentials) == "A"
    file.write_text("[default]\naws_access_key_id = C\naws_secret_access_key = D\n")
    credentials.discard()
    assert (await credentials.get()).access_key == "C"


async def test_a_profile_that_is_missing_is_named_and_no_crash(credentials: AwsCredentials, monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    with pytest.raises(Unavailable) as error:
        await credentials.get()
    assert "nosuch" in error.value.remedy


async def test_credentials_are_renewed_while_they_serve(credentials: AwsCredentials, metadata: Metadata) -> None:
    metadata.life = timedelta(minutes=5)  # less than the 15 in which AWS's clients renew
    first = (await credentials.get()).access_key
    metadata.status, metadata.seconds = 500, 0.1
    for _ in range(20):
        async with asyncio.timeout(0.05):
            assert (await credentials.get()).access_key == first
        await asyncio.sleep(0.02)
    metadata.status, metadata.life = 200, timedelta(hours=1)
    assert await found_soon(credentials, lambda key: key != first)


async def test_expired_credentials_never_serve(credentials: AwsCredentials, metadata: Metadata) -> None:
    metadata.life = timedelta(seconds=2)
    assert await found_soon(credentials)
    metadata.life = timedelta(seconds=-60)
    await asyncio.sleep(2)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await credentials.get()
    metadata.life = timedelta(hours=1)
    assert await found_soon(credentials)


async def test_a_search_that_failed_is_not_repeated_at_once(
    credentials: AwsCredentials, metadata: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.gateways.credentials.SEARCH", Backoff(60, 60))
    monkeypatch.setattr("app.concurrency.backoff.random.uniform", lambda _, longest: longest)
    metadata.status = 500
    for _ in range(50):
        with pytest.raises(Unavailable):
            await credentials.get()
    assert metadata.asked <= 3  # botocore's attempts of one search


async def test_a_port_without_a_server_is_no_crash(credentials: AwsCredentials, monkeypatch: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{unused.getsockname()[1]}/")
        with pytest.raises(Unavailable):
            await credentials.get()
