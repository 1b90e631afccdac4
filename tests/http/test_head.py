"""HEAD is answered wherever GET is: the same status and headers, and no body."""

import httpx
import pytest

from app.settings import Settings
from tests.fixtures.app import Person, Service
from tests.tools.servers import Server, servers

PATHS = (
    "/", "/docs", "/static/app.js", "/openapi.json", "/healthz", "/readyz", "/metrics", "/api/config",
    "/api/health-check", "/api/message_groups", "/api/messages/counter", "/api/users/me", "/api/users?q=a",
    "/api/messages/{group}", "/api/message_groups/{group}", "/api/message_groups/{group}/read", "/api/unknown",
    "/api/messages/{group}?limit=0", "/api/messages/not-a-uuid",
)  # fmt: skip
OWN = {"x-request-id", "ratelimit", "content-length", "date"}
"""Headers of one request, and the length: of /readyz and /metrics it changes."""


@pytest.mark.parametrize("path", PATHS)
async def test_head_is_get_without_the_body(service: Service, ann: Person, bob: Person, path: str) -> None:
    group = (await ann.sent("hello", bob))["message_group_uuid"]
    async with httpx.AsyncClient(
        transport=service.transport,
        base_url="http://service.test",
        headers={"authorization": f"Bearer {ann.token}"},
    ) as client:
        get, head = [await client.request(method, path.format(group=group)) for method in ("GET", "HEAD")]
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert "content-length" in head.headers
    assert {name: value for name, value in head.headers.items() if name not in OWN} == {
        name: value for name, value in get.headers.items() if name not in OWN
    }


async def test_a_method_that_has_no_get_has_no_head(service: Service, ann: Person) -> None:
    async with httpx.AsyncClient(
        transport=service.transport, base_url="http://service.test", headers={"authorization": f"Bearer {ann.token}"}
    ) as client:
        answer = await client.head("/api/sync")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert "HEAD" in (await client.put("/api/users/me")).headers["allow"].split(", ")


async def test_the_head_of_an_event_stream_ends(settings: Settings, ann: Person) -> None:
    async with servers(settings, 1) as [server], connection(server, ann) as client:
        for _ in range(12):  # more than a user may have open
            answer = await client.head("/api/events")
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["content-type"].startswith("text/event-stream")
        assert (await client.get("/api/users/me")).status_code == 200


def connection(server: Server, person: Person) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=server.address, headers={"authorization": f"Bearer {person.token}"}, trust_env=False, timeout=5
    )
