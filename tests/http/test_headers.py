"""Headers that every answer has: request ids, security, CORS; and what a mistake of ours looks like from outside."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from app.settings import Settings
from tests.fixtures.app import Person, Service, running
from tests.http.faulty import changed
from tests.http.problem import problem_of

ORIGIN = "https://app.example.com"
CANARY = "canary-in-an-exception"
SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cache-control": "no-store",
}
EXPOSED = {"Link", "RateLimit", "RateLimit-Policy", "X-Request-ID", "Retry-After"}
JSON = {"content-type": "application/json"}
REQUESTS: list[tuple[int, str, str, dict[str, Any]]] = [
    (200, "GET", "/api/users/me", {}),
    (200, "GET", "/healthz", {}),
    (200, "GET", "/readyz", {}),
    (200, "OPTIONS", "/api/messages", {"headers": {"origin": ORIGIN, "access-control-request-method": "POST"}}),
    (400, "POST", "/api/messages", {"content": b"{", "headers": JSON}),
    (403, "OPTIONS", "/x", {"headers": {"origin": "https://evil.example", "access-control-request-method": "GET"}}),
    (401, "GET", "/api/users/me", {"headers": {"authorization": "rubbish"}}),
    (404, "GET", "/x", {}),
    (404, "GET", "/api/x", {}),
    (404, "GET", f"/api/messages/{uuid4()}", {}),
    (405, "DELETE", "/api/messages", {}),
    (409, "POST", "/api/users", {"json": {"handle": "another_handle", "display_name": "X"}}),
    (413, "POST", "/api/messages", {"content": b" " * 20_000, "headers": JSON}),
    (415, "POST", "/api/messages", {"content": b"x"}),
    (422, "POST", "/api/messages", {"json": {}}),
    (500, "GET", "/api/crash", {}),
]
IDS = [f"{status} {method} {path[:14]}" for status, method, path, _ in REQUESTS]


@pytest_asyncio.fixture(scope="module")
async def crashing(settings: Settings) -> AsyncIterator[Service]:
    """The service, with a route that has a fault."""

    async def crash(after_start: bool = False) -> None:
        assert not after_start
        raise RuntimeError(CANARY)

    async with running(settings) as service:
        service.app.add_api_route("/api/crash", crash, include_in_schema=False)
        yield service


@pytest_asyncio.fixture
async def client(crashing: Service, ann: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Not the checking client: a refused preflight is no document of ours."""
    headers = {"authorization": f"Bearer {ann.token}"}
    async with httpx.AsyncClient(
        transport=crashing.transport, base_url="http://service.test", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize(("status", "method", "path", "options"), REQUESTS, ids=IDS)
async def test_security_headers_are_on_every_status(
    client: httpx.AsyncClient, status: int, method: str, path: str, options: dict[str, Any]
) -> None:
    answer = await client.request(method, path, **options)
    assert answer.status_code == status, answer.text
    assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers


@pytest.mark.parametrize(("status", "method", "path", "options"), REQUESTS, ids=IDS)
async def test_a_well_formed_request_id_comes_back_and_a_missing_id_is_created(
    client: httpx.AsyncClient, status: int, method: str, path: str, options: dict[str, Any]
) -> None:
    headers = {**options.get("headers", {}), "x-request-id": "An_id-0123"}
    answer = await client.request(method, path, **{**options, "headers": headers})
    assert (answer.status_code, answer.headers["x-request-id"]) == (status, "An_id-0123")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "short",
        "x" * 7,
        "x" * 65,
        "with space",
        "a/b/c/d/e",
        "ünïcode-id",
        "<script>x",
        "id-with-end\n",
        "12345678;",
        "12345678, 12345678",
        "%0d%0aX: 1",
    ],
)
async def test_a_malformed_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    raw = given.encode()
    answer = await client.get("/api/users/me", headers=[(b"x-request-id", raw)])
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"].isalnum()
    assert not given or given.strip() not in str(answer.headers)


async def test_created_request_ids_are_unique(client: httpx.AsyncClient) -> None:
    assert len({(await client.get("/healthz")).headers["x-request-id"] for _ in range(50)}) == 50


@pytest.mark.parametrize("given", ["12345678", "x" * 64, "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"])
async def test_the_problem_names_the_request(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/api/x", headers={"x-request-id": given})
    assert problem_of(answer, 404, "not-found")["instance"] == given


async def test_a_listed_origin_may_use_every_method(client: httpx.AsyncClient) -> None:
    for path in ("/api/messages", "/api/users", "/api/unknown"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            headers = {
                "origin": ORIGIN,
                "access-control-request-method": method,
                "access-control-request-headers": "authorization, content-type, x-request-id",
            }
            answer = await client.options(path, headers=headers)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert method in answer.headers["access-control-allow-methods"].split(", ")
            allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
            assert {"authorization", "content-type", "x-request-id"} <= set(allowed)
            assert int(answer.headers["access-control-max-age"]) >= 600
            assert "access-control-allow-credentials" not in answer.headers


async def test_a_listed_origin_may_send_the_headers_of_a_trace_and_those_of_the_settings(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "GET"}
    traced = {"access-control-request-headers": "traceparent, Tracestate,baggage"}
    assert (await client.options("/api/messages", headers=asked | traced)).status_code == 200
    sentry = {"access-control-request-headers": "sentry-trace"}
    assert (await client.options("/api/messages", headers=asked | sentry)).status_code == 403
    async with running(changed(settings, cors_headers=("Sentry-Trace",))) as service, service.client() as other:
        assert (await other.options("/api/messages", headers=asked | sentry)).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"origin": "https://evil.example", "access-control-request-method": "GET"},
        {"origin": ORIGIN, "access-control-request-method": "BREW"},
        {
            "origin": ORIGIN,
            "access-control-request-method": "GET",
            "access-control-request-headers": "x-other",
        },
    ],
)
async def test_a_refused_preflight_is_a_problem_that_allows_nothing(
    client: httpx.AsyncClient, asked: dict[str, str]
) -> None:
    answer = await client.options("/api/messages", headers=asked)
    assert "CORS_ORIGINS" in problem_of(answer, 403, "cors-refused")["detail"]
    assert not any(name.startswith("access-control-allow") for name in answer.headers)
    assert "Access-Control-Request-Headers" in answer.headers["vary"]


@pytest.mark.parametrize(("status", "method", "path", "options"), REQUESTS, ids=IDS)
async def test_a_listed_origin_may_read_every_answer(
    client: httpx.AsyncClient, status: int, method: str, path: str, options: dict[str, Any]
) -> None:
    headers = {**options.get("headers", {}), "origin": ORIGIN}
    answer = await client.request(method, path, **{**options, "headers": headers})
    if method == "OPTIONS":
        return
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert set(answer.headers["access-control-expose-headers"].split(", ")) == EXPOSED
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "*",
        "",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "https://evil.example?https://app.example.com",
        "https://APP.example.com",
        "https://app.example.com:444",
        "https://app.example.com/",
        "https://sub.app.example.com",
        "https://app.example.com, https://evil.example",
        "https://appxexample.com",
        "file://",
    ],
)
async def test_other_origins_are_never_allowed_or_repeated(client: httpx.AsyncClient, origin: str) -> None:
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    answers = [await client.options("/api/messages", headers=preflight)]
    for _, method, path, options in REQUESTS:
        headers = {**options.get("headers", {}), "origin": origin}
        answers.append(await client.request(method, path, **{**options, "headers": headers}))
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
        assert "evil" not in str(answer.headers)
        assert "evil" not in answer.text


async def test_an_unhandled_exception_is_a_problem_without_details(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/crash", headers={"x-request-id": "ask-about-this"})
    assert problem_of(answer, 500, "internal-error")["instance"] == "ask-about-this"
    for secret in (CANARY, "RuntimeError", "Traceback", ".py"):
        assert secret not in answer.text
