"""Endpoints answer as FastAPI does: every request here is asked of both, and most of them are hostile."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts

from app.http.endpoints import Endpoint, UnknownShape
from app.http.routes import SignedInRoute
from tests.fixtures.app import Person, Service
from tests.http.hostile import HOSTILE, IDS, NUMBERS

GROUP = "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"
VALUES: list[Any] = [None, True, 0, -1, 1.5, 10**12, "", "x", GROUP, [], [1], {}, {"a": 1}, *HOSTILE[::25]]
ENCODABLE = [text for text in HOSTILE if text.isprintable() and text]


@contextmanager
def by_fastapi(service: Service) -> Iterator[None]:
    """Let FastAPI serve all requests of the block, which it does when any dependency is overridden."""
    service.app.dependency_overrides[by_fastapi] = by_fastapi
    try:
        yield
    finally:
        service.app.dependency_overrides.clear()


class Both:
    """Asks an endpoint and FastAPI, and compares the answers."""

    def __init__(self, service: Service, client: httpx.AsyncClient) -> None:
        self._service = service
        self._client = client

    async def ask(self, method: str, path: str, **options: Any) -> int:
        """Return the status, which is the same, as are body and headers, in whichever order."""
        headers = {"x-request-id": "the-same-for-both", **options.pop("headers", {})}
        mine = await self._client.request(method, path, headers=headers, **options)
        with by_fastapi(self._service):
            fastapis = await self._client.request(method, path, headers=headers, **options)
        assert (mine.status_code, mine.content) == (fastapis.status_code, fastapis.content), (method, path, options)
        assert headers_of(mine) == headers_of(fastapis)
        return mine.status_code


def headers_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """All headers, without the number of calls that are left, which the second call has less of."""
    return sorted((name, value if name != "ratelimit" else "") for name, value in answer.headers.multi_items())


@pytest_asyncio.fixture(params=["registered", "unregistered"])
async def both(request: Any, service: Service, issuer: Any, ann: Person) -> AsyncIterator[Both]:
    """A caller of each kind: the rejection of an unregistered caller comes before most errors of parameters."""
    token = ann.token if request.param == "registered" else issuer.token(str(uuid4()), time.time())
    async with httpx.AsyncClient(
        transport=service.transport, base_url="http://service.test", headers={"authorization": f"Bearer {token}"}
    ) as client:
        yield Both(service, client)


def test_endpoints_serve_every_route_of_the_api_but_streams_and_the_deletion_of_a_user(service: Service) -> None:
    by_fastapi: set[tuple[str, str | None]] = set()
    for context in iter_route_contexts(service.app.routes):
        if isinstance(context.original_route, SignedInRoute):
            try:
                Endpoint(context)
            except UnknownShape:
                by_fastapi |= {(method, str(context.path)) for method in context.methods or ()}
    assert by_fastapi == {("GET", "/api/events"), ("GET", "/api/users/me/export"), ("DELETE", "/api/users/me")}


async def test_paths(both: Both) -> None:
    for text in (*IDS, *ENCODABLE[::20], GROUP.upper(), f"{GROUP}%00", "%2e%2e", "counter", "counter%00"):
        for path in (
            "/api/messages/{}",
            "/api/message_groups/{}",
            "/api/message_groups/{}/read",
            "/api/users/@{}/short",
        ):
            await both.ask("GET", path.format(quote(text, safe="%")))


@pytest.mark.parametrize("name", ["limit", "before", "after", "around", "cursor", "q", "unknown"])
async def test_parameters(both: Both, name: str) -> None:
    for text in (*NUMBERS[::4], *ENCODABLE[::40]):
        for path in (f"/api/messages/{GROUP}", "/api/message_groups", "/api/users"):
            await both.ask("GET", path, params={name: text})
        await both.ask("GET", "/api/messages/x", params={name: text, "limit": "0"})


@pytest.mark.parametrize(
    "value", [None, "", "1", '"0"', '"1"', '"1', '"1", "2"', 'W/"1"', "*", '"' + "9" * 13 + '"', "é"]
)
async def test_headers(both: Both, value: str | None) -> None:
    for path in (f"/api/messages/{GROUP}/1", "/api/messages/x/0"):
        for name in ("if-match", "If-Match"):
            headers = {} if value is None else {name: value.encode()}
            await both.ask("PATCH", path, json={"message": "x"}, headers=headers)


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "limit", "limit=", "=1", "&&", "limit=1;before=2", "%6cimit=0", "a=%ff"]
)
async def test_odd_queries(both: Both, query: str) -> None:
    for path in (f"/api/messages/{GROUP}", "/api/message_groups", "/api/users", "/api/users/me", "/healthz"):
        await both.ask("GET", f"{path}?{query}")


BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/messages"): {"message": "x", "message_group_uuid": GROUP, "uuid": GROUP, "after": 1, "reply_to": 1},
    ("PUT", f"/api/message_groups/{GROUP}/read"): {"number": 1},
    ("PATCH", f"/api/messages/{GROUP}/1"): {"message": "x", "uuid": GROUP},
    ("PUT", "/api/message_groups/x/read"): {"number": 1},
    ("POST", "/api/sync"): {"groups": {GROUP: {"last_number": 1, "version": 1}}},
    ("PATCH", "/api/users/me"): {"display_name": ""},
    ("POST", "/api/users"): {"handle": "", "display_name": ""},
}


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_bodies(both: Both, method: str, path: str) -> None:
    valid = BODIES[method, path]
    bodies: list[Any] = [valid, {**valid, "unknown": 1}, *VALUES]
    bodies += [{**valid, name: value} for name in valid for value in VALUES]
    bodies += [{other: valid[other] for other in valid if other != name} for name in valid]
    for body in bodies:
        content = json.dumps(body).encode()
        await both.ask(method, path, content=content, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/json; charset=utf-16",
        "APPLICATION/JSON;x",
        "application/json ;",
        "application/x+json",
    ],
)
async def test_content_types(both: Both, kind: str) -> None:
    for content in (b"", b"{}", b"null", b'{"number":1,"number":2}', b"\xff", b"[NaN]", b"[" * 9 + b"]" * 9):
        await both.ask("PUT", f"/api/message_groups/{GROUP}/read", content=content, headers={"content-type": kind})


async def test_methods_and_unknown_paths(both: Both) -> None:
    for method in ("GET", "POST", "OPTIONS", "BREW"):  # HEAD becomes GET before
        for path in ("/api/messages/counter", "/api/messages", "/healthz", "/api/users/me", "/x", "/docs", "/static/x"):
            await both.ask(method, path)
