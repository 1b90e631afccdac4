"""Every kind of violation is caught, and what the document allows passes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.tools.contract import Contract, ContractClient, ContractViolation

UUID = "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"
ID = "0193e1c4a8f07d6e"
REQUEST_ID = {"x-request-id": ID}
JSON = {"content-type": "application/json"} | REQUEST_ID
PROBLEM = {"content-type": "application/problem+json"} | REQUEST_ID

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "things", "version": "1"},
    "paths": {
        "/api/things/{uuid}": {
            "parameters": [],
            "get": {
                "operationId": "read_thing",
                "responses": {
                    "200": {
                        "headers": {
                            "ETag": {"required": True, "schema": {"type": "string", "pattern": '^"'}},
                            "X-Count": {"$ref": "#/components/headers/Count"},
                        },
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "429": {"$ref": "#/components/responses/NotFound"},
                    "5XX": {"$ref": "#/components/responses/NotFound"},
                },
            },
            "delete": {"operationId": "delete_thing", "responses": {"204": {}}},
        },
        "/api/things/count": {
            "get": {
                "operationId": "count_things",
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "integer"}}}}},
            }
        },
        "/api/users/@{handle}/short": {
            "get": {
                "operationId": "read_user",
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"type": "array"}}}},
                    "422": {
                        "content": {
                            "application/problem+json": {
                                "schema": {"$ref": "#/components/schemas/Problem"},
                                "examples": {"bad-handle": {"value": {"code": "bad-handle"}}},
                            }
                        }
                    },
                },
            }
        },
        "/healthz": {
            "get": {
                "operationId": "healthz",
                "responses": {"200": {"content": {"text/plain": {"schema": {"type": "string"}}}}},
            }
        },
    },
    "components": {
        "headers": {"Count": {"schema": {"type": "integer", "minimum": 0}}},
        "responses": {
            "NotFound": {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        },
        "schemas": {
            "Thing": {
                "type": "object",
                "properties": {
                    "uuid": {"type": "string", "format": "uuid"},
                    "created_at": {"type": "string", "format": "date-time"},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                },
                "required": ["uuid", "created_at"],
                "additionalProperties": False,
            },
            "Kind": {"enum": ["small", "large"]},
            "Problem": {
                "type": "object",
                "properties": {"status": {"type": "integer"}, "code": {"type": "string"}},
                "required": ["status", "code", "instance"],
            },
        },
    },
}
THING = {"uuid": UUID, "created_at": "2026-11-24T09:30:00.123Z", "kind": "small"}
ETAG = JSON | {"etag": '"1"'}


class Stub:
    """An ASGI app that gives one prepared answer to everything."""

    status = 200
    headers: dict[str, str] = ETAG
    body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    def answers(self, body: Any, status: int = 200, headers: dict[str, str] = ETAG) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status, self.headers = status, headers


def problem(status: int, code: str = "gone", **members: Any) -> dict[str, Any]:
    return {"status": status, "code": code, "instance": ID} | members


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest_asyncio.fixture
async def client(stub: Stub) -> AsyncIterator[ContractClient]:
    async with ContractClient(DOCUMENT, transport=httpx.ASGITransport(stub)) as client:
        yield client


class TestAllowed:
    @pytest.mark.parametrize(
        ("path", "body", "status", "headers"),
        [
            (f"/api/things/{UUID}", THING, 200, ETAG),
            (f"/api/things/{UUID}?a=b", THING | {"parts": [THING]}, 200, ETAG | {"x-count": "3"}),
            (f"/api/things/{UUID}", THING, 200, ETAG | {"content-type": "Application/JSON; charset=utf-8"}),
            (f"/api/things/{UUID}", problem(404), 404, PROBLEM),
            (f"/api/things/{UUID}", problem(502), 502, PROBLEM),
            (f"/api/things/{UUID}", problem(429), 429, PROBLEM | {"retry-after": "1"}),
            ("/api/things/count", 3, 200, JSON),
            ("/api/users/@ann/short", [], 200, JSON),
            ("/api/users/@a%20b/short", problem(422, "bad-handle", errors=[{}]), 422, PROBLEM),
            ("/api/nowhere", problem(404), 404, PROBLEM),
            ("/healthz", b"fine", 200, {"content-type": "text/plain"} | REQUEST_ID),
            ("/docs", b"<html>", 200, {"content-type": "text/html"}),
        ],
    )
    async def test_a_documented_answer_passes(
        self, stub: Stub, client: ContractClient, path: str, body: Any, status: int, headers: dict[str, str]
    ) -> None:
        stub.answers(body, status, headers)
        assert (await client.get(path)).status_code == status

    async def test_an_empty_body_passes_where_none_is_declared(self, stub: Stub, client: ContractClient) -> None:
        stub.answers(b"", 204, REQUEST_ID)
        await client.delete(f"/api/things/{UUID}")

    async def test_a_405_of_a_known_path_passes(self, stub: Stub, client: ContractClient) -> None:
        stub.answers(problem(405), 405, PROBLEM | {"allow": "DELETE, GET"})
        await client.put(f"/api/things/{UUID}")

    async def test_the_answer_to_a_preflight_passes(self, stub: Stub, client: ContractClient) -> None:
        stub.answers(b"OK", 200, {"content-type": "text/plain"} | REQUEST_ID)
        await client.options(f"/api/things/{UUID}")

    async def test_streamed_body_is_left_to_its_reader(self, stub: Stub, client: ContractClient) -> None:
        stub.answers({"nonsense": 1})
        async with client.stream("GET", f"/api/things/{UUID}") as response:
            assert await response.aread() == stub.body

    async def test_what_was_seen_is_remembered(self, stub: Stub, client: ContractClient) -> None:
        stub.answers(THING)
        await client.get(f"/api/things/{UUID}")
        assert ("read_thing", 200) in client.contract.seen
        assert client.contract is Contract.of(DOCUMENT)


class TestViolations:
    @pytest.mark.parametrize(
        ("body", "status", "headers", "complaint"),
        [
            (THING, 201, ETAG, r"status: expected one of 200, 404, 429, 5XX"),
            (
                THING,
                200,
                ETAG | {"content-type": "text/html"},
                "expected application/json, not text/html",
            ),
            (THING, 200, {"etag": '"1"', "x-request-id": ID}, "Content-Type: expected application/json, not none"),
            (THING, 200, JSON, "header ETag: expected to be there"),
            (THING, 200, JSON | {"etag": "1"}, "header ETag: .*does not match"),
            (THING, 200, ETAG | {"x-count": "-1"}, "header X-Count: .*minimum"),
            (THING, 200, ETAG | {"x-count": "many"}, "header X-Count: .*integer"),
            (THING, 200, {"content-type": "application/json"}, "X-Request-ID: expected to be there"),
            (b"{", 200, ETAG, "body: expected strict JSON"),
            (b"\xff", 200, ETAG, "body: expected strict JSON"),
            (b'{"a": NaN}', 200, ETAG, "body: expected strict JSON: NaN"),
            ([], 200, ETAG, r'body at its root: \[\] is not of type "object"'),
            ({"uuid": UUID}, 200, ETAG, 'body at its root: "created_at" is a required property'),
            (THING | {"secret": 1}, 200, ETAG, "'secret' was unexpected"),
            (THING | {"uuid": "1"}, 200, ETAG, 'body at /uuid: "1" is not a "uuid"'),
            (THING | {"created_at": "2026-11-24"}, 200, ETAG, 'body at /created_at: .* is not a "date-time"'),
            (THING | {"created_at": "2026-11-24T09:30:00"}, 200, ETAG, "body at /created_at"),
            (THING | {"kind": "huge"}, 200, ETAG, "body at /kind: .*rule .*enum"),
            (THING | {"parts": [THING, THING | {"uuid": 1}]}, 200, ETAG, "body at /parts/1/uuid"),
            (problem(404), 404, JSON, "Content-Type: expected application/problem"),
            (problem(400), 404, PROBLEM, "body at /status: expected 404, not 400"),
            (problem(404, instance="other"), 404, PROBLEM, f"body at /instance: expected {ID}, not other"),
            ({"status": 404, "instance": ID}, 404, PROBLEM, '"code" is a required property'),
            (problem(429), 429, PROBLEM, "header Retry-After: expected to be there"),
        ],
    )
    async def test_an_undocumented_answer_is_a_violation(
        self, stub: Stub, client: ContractClient, body: Any, status: int, headers: dict[str, str], complaint: str
    ) -> None:
        stub.answers(body, status, headers)
        with pytest.raises(ContractViolation, match=f"read_thing .GET /api/things/.* answered {status}: .*{complaint}"):
            await client.get(f"/api/things/{UUID}")

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            (problem(422, "other", errors=[{}]), "body at /code: expected bad-handle, not other"),
            (problem(422, "bad-handle"), "body at /errors: expected at least one"),
        ],
    )
    async def test_a_problem_that_contradicts_itself_is_a_violation(
        self, stub: Stub, client: ContractClient, body: Any, complaint: str
    ) -> None:
        stub.answers(body, 422, PROBLEM)
        with pytest.raises(ContractViolation, match=complaint):
            await client.get("/api/users/@a/short")

    async def test_a_body_where_none_is_declared_is_a_violation(self, stub: Stub, client: ContractClient) -> None:
        stub.answers(b"{}", 204, REQUEST_ID)
        with pytest.raises(ContractViolation, match=r"delete_thing .* body: expected to be empty"):
            await client.delete(f"/api/things/{UUID}")

    async def test_a_literal_path_is_matched_before_a_template(self, stub: Stub, client: ContractClient) -> None:
        stub.answers(THING)
        with pytest.raises(ContractViolation, match="count_things"):
            await client.get("/api/things/count")

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "headers", "complaint"),
        [
            ("GET", "/api/nowhere", {}, 200, JSON, "undocumented operation .* status: expected an error"),
            ("GET", "/api/nowhere", problem(404), 404, JSON, "Content-Type"),
            ("GET", "/api/nowhere", {"status": 404}, 404, PROBLEM, '"code" is a required property'),
            ("GET", "/api/nowhere", problem(410), 404, PROBLEM, "body at /status"),
            ("PUT", "/api/things/count", problem(405), 405, PROBLEM, "header Allow: expected to be there"),
            ("PUT", "/api/things/count", problem(405), 405, PROBLEM | {"allow": "GET"}, "Allow: expected DELETE, GET"),
            ("PUT", f"/api/things/{UUID}", problem(405), 405, PROBLEM | {"allow": "GET"}, "header Allow"),
            ("PUT", f"/api/things/{UUID}", THING, 200, ETAG, "status: expected an error"),
            ("GET", "/healthz", b"fine", 200, {"content-type": "text/plain"}, "healthz .*X-Request-ID"),
        ],
    )
    async def test_an_undocumented_path_is_a_violation(
        self,
        stub: Stub,
        client: ContractClient,
        method: str,
        path: str,
        body: Any,
        status: int,
        headers: dict[str, str],
        complaint: str,
    ) -> None:
        stub.answers(body, status, headers)
        with pytest.raises(ContractViolation, match=complaint):
            await client.request(method, path)
