"""The service below a prefix, which a proxy strips, passes on, or tells the server."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.settings import Settings
from tests.fixtures.app import Person, Service, running
from tests.http.faulty import changed
from tests.http.problem import problem_of

PREFIX = "/team/chat"
CALLERS = {"stripped": ("", ""), "passed on": (PREFIX, ""), "told the server": (PREFIX, PREFIX)}
"""The prefix in the path that a proxy sends, and that which the server (`uvicorn --root-path`) adds."""


@pytest_asyncio.fixture(scope="session")
async def prefixed(settings: Settings, service: Service) -> AsyncIterator[Service]:  # noqa: ARG001  # its keys are served
    async with running(changed(settings, root_path=PREFIX)) as prefixed:
        yield prefixed


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest, prefixed: Service, ann: Person) -> httpx.AsyncClient:
    sent, added = CALLERS[request.param]
    transport = httpx.ASGITransport(_below(prefixed, added), raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {ann.token}"}
    return httpx.AsyncClient(transport=transport, base_url=f"http://service.test{sent}", headers=headers)


def _below(service: Service, added: str):  # type: ignore[no-untyped-def]  # an ASGI application
    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        state = dict(service.state)
        await service.app({**scope, "state": state, "root_path": added, "path": added + scope["path"]}, receive, send)

    return app


async def test_everything_is_served_as_without_a_prefix(caller: httpx.AsyncClient, bob: Person) -> None:
    for path in ("/", "/messages", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/api/users/me"):
        assert (await caller.get(path)).status_code == 200, path
        assert (await caller.head(path)).status_code == 200, path
    for path in ("/", "/messages/new/somebody", "/docs"):
        page = await caller.get(path)
        for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert (await caller.get(page.url.join(name))).status_code == 200, name
    big = await caller.post("/api/messages", json={"message": "x" * 20_000, "handle": bob.handle})
    problem_of(big, 413, "body-too-large")
    wrong = await caller.delete("/api/messages")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    problem_of(await caller.get("/nowhere"), 404, "not-found")


async def test_links_lead_below_the_prefix(caller: httpx.AsyncClient, ann: Person, bob: Person) -> None:
    for number in range(3):
        group = (await ann.sent(f"{number}", bob))["message_group_uuid"]
    link = (await caller.get(f"/api/messages/{group}", params={"limit": 1})).headers["link"]
    assert {each.partition("?")[0] for each in re.findall("<([^>]+)>", link)} == {f"{PREFIX}/api/messages/{group}"}


async def test_the_prefix_alone_leads_to_the_page(prefixed: Service) -> None:
    answer = await httpx.AsyncClient(transport=prefixed.transport).get(f"http://service.test{PREFIX}")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{PREFIX}/")
