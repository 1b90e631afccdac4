"""Every refusal is a problem document that says what is wrong and repeats nothing of what was sent."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError

from app.gateways.dynamodb import Put
from app.http.problems import MAX_ERRORS, on_invalid_request
from app.messaging import items
from tests.fixtures.app import Person, Service
from tests.http.problem import CANARY, GROUP, problem_of, refused_send


async def test_errors_of_sending_point_at_their_member(ann: Person, bob: Person) -> None:
    group = (await ann.sent("one", bob, uuid=str(uuid4())))["message_group_uuid"]
    taken = str(uuid4())
    await ann.sent("two", bob, uuid=taken)
    expected: list[tuple[dict[str, Any], str, str]] = [
        ({"message": "x"}, "one-target", ""),
        ({"message": "x", "handle": bob.handle, "message_group_uuid": group}, "one-target", ""),
        ({"message": "x", "handle": ann.handle}, "message-to-self", "/handle"),
        ({"message": " ", "handle": bob.handle}, "message-blank", "/message"),
        ({"message": "x" * 1025, "handle": bob.handle}, "message-too-long", "/message"),
        ({"message": "a\0b", "handle": bob.handle}, "message-malformed", "/message"),
        ({"message": "x", "handle": bob.handle, "reply_to": 9}, "reply-beyond-end", "/reply_to"),
    ]
    for body, code, pointer in expected:
        problem = await refused_send(ann, 422, code, **body)
        assert problem["errors"] == [{"code": code, "detail": problem["detail"], "pointer": pointer}]
    await refused_send(ann, 404, "user-not-found", message="x", handle="nobody_at_all")
    await refused_send(ann, 404, "group-not-found", message="x", message_group_uuid=str(uuid4()))
    await refused_send(ann, 409, "uuid-taken", message="other", handle=bob.handle, uuid=taken)
    assert await bob.numbers(group) == [1, 2]


@pytest.mark.parametrize("key", ["x", "y" * 990, "a/b~c", "<script>", ""])
@pytest.mark.parametrize("value", [{"number": 1, "version": 1}, {"number": "canary", "canary": 1}, None])
async def test_a_wrong_key_is_told_by_its_place_and_never_repeated(ann: Person, key: str, value: object) -> None:
    answer = await ann.client.post("/api/sync", json={"groups": {key: value}})
    problem = problem_of(answer, 422, "invalid-body")
    assert {error["pointer"] for error in problem["errors"]} == {"/groups"}
    assert "canary" not in answer.text


async def test_a_body_with_thousands_of_defects_is_described_no_further_than_its_answer_goes() -> None:
    reads = 0

    class Place(tuple[str, ...]):
        """The place of a defect, which counts how often it is looked at."""

        __slots__ = ()

        def __getitem__(self, index: Any) -> Any:
            nonlocal reads
            reads += 1
            return super().__getitem__(index)

    async def described(count: int) -> int:
        nonlocal reads
        reads = 0
        defects = [{"type": "invalid", "loc": Place(("body", "messages", f"{n}", "text"))} for n in range(count)]
        answer = await on_invalid_request(Request({"type": "http"}), RequestValidationError(defects))
        assert len(json.loads(bytes(answer.body))["errors"]) == MAX_ERRORS
        return reads

    assert await described(4 * MAX_ERRORS) == await described(2 * MAX_ERRORS)


async def test_wrong_keys_of_an_object_are_one_defect(ann: Person) -> None:
    groups = {f"{n:x}": {"number": 1} for n in range(200)}
    answer = await ann.client.post("/api/sync", json={"groups": groups})
    defects = problem_of(answer, 422, "invalid-body")["errors"]
    assert {"code": "invalid", "detail": "is not valid", "pointer": "/groups"} in defects
    assert len({json.dumps(defect) for defect in defects}) == len(defects) < 5


async def test_a_blocked_user_learns_only_that_the_message_is_refused(
    service: Service, ann: Person, bob: Person
) -> None:
    await service.state["table"].put(Put({**items.block_key(bob.uuid, ann.uuid), "at": 1}))
    await refused_send(ann, 403, "cannot-message", message="x", handle=bob.handle)


async def test_a_read_marker_beyond_the_end_is_number_beyond_end(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    path = f"/api/message_groups/{ann.group_with(bob)}/read"
    problem = problem_of(await ann.client.put(path, json={"number": 2}), 422, "number-beyond-end")
    assert problem["errors"][0]["pointer"] == "/number"


async def test_errors_about_users_have_their_codes(ann: Person, bob: Person) -> None:
    body = {"handle": bob.handle, "display_name": "Ann"}
    problem_of(await ann.client.post("/api/users", json=body), 409, "already-registered")
    problem_of(await ann.client.get("/api/users/@nobody_at_all/short"), 404, "user-not-found")


UNKNOWN_PATHS = [
    "/x",
    "/api",
    "/api/",
    "/api/x",
    "/api/messages/",
    "/api/message_groups/",
    f"/api/messages/{GROUP}/",
    f"/api/messages/{GROUP}/x",
    "/api//messages",
    "/API/messages",
    "/api/users/short",
    "/api/users/@/short",
    "/api/users/@a/b/short",
    "/api/users/@a%2Fb/short",
    "/local/users",
    "/local/token",
    "/local/.well-known/jwks.json",
    "/api/users/",
    "/api/messages/%2e%2e/users/me",
    "/api/%6d%65/x",
    "/%00",
    "/%ff",
    "/api/users/me/",
    "/healthz/",
    "/metrics/",
    "/.env",
]


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("is_signed_in", [False, True])
async def test_unknown_paths_are_not_found(
    anonymous: httpx.AsyncClient, ann: Person, path: str, *, is_signed_in: bool
) -> None:
    client = ann.client if is_signed_in else anonymous
    for method in ("GET", "POST", "DELETE"):
        answer = await client.send(
            httpx.Request(method, httpx.URL("http://service.test", raw_path=path.encode()), headers=client.headers)
        )
        problem_of(answer, 404, "not-found")


METHODS = {
    "/api/message_groups": "GET, HEAD, POST",
    f"/api/message_groups/{GROUP}": "DELETE, GET, HEAD, PATCH",
    f"/api/message_groups/{GROUP}/read": "GET, HEAD, PUT",
    "/api/messages": "POST",
    "/api/messages/counter": "GET, HEAD",
    f"/api/messages/{GROUP}": "GET, HEAD",
    "/api/users": "GET, HEAD, POST",
    "/api/users/me": "DELETE, GET, HEAD, PATCH",
    "/api/users/@somebody/short": "GET, HEAD",
    "/api/users/@some%3Fbody/short": "GET, HEAD",
    "/api/users/@some%23body/short": "GET, HEAD",
    "/api/health-check": "GET, HEAD",
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
}


@pytest.mark.parametrize(("path", "allowed"), METHODS.items())
async def test_a_wrong_method_is_405_with_all_allowed_methods(ann: Person, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "BREW"} - set(allowed.split(", ")):
        for headers in ({}, {"host": "a/b?c"}, {"host": "["}):
            answer = await ann.client.request(method, path, headers=headers)
            problem_of(answer, 405, "method-not-allowed")
            assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/api/message_groups?limit={CANARY}", "limit"),
        (f"/api/users?limit={CANARY}", "limit"),
        (f"/api/users?q={CANARY}{'x' * 60}", "q"),
        (f"/api/users?cursor={CANARY}{'x' * 40}", "cursor"),
        (f"/api/message_groups?cursor={CANARY}{'x' * 80}", "cursor"),
        (f"/api/messages/{GROUP}?before={CANARY}", "before"),
        (f"/api/messages/{GROUP}?after={CANARY}", "after"),
        (f"/api/messages/{GROUP}?around={CANARY}", "around"),
        (f"/api/messages/{CANARY}", "message_group_uuid"),
        (f"/api/message_groups/{CANARY}", "message_group_uuid"),
    ],
)
async def test_a_wrong_parameter_is_named_but_not_repeated(ann: Person, path: str, name: str) -> None:
    answer = await ann.client.get(path)
    problem = problem_of(answer, 422, "invalid-parameter")
    assert [defect["parameter"] for defect in problem["errors"]] == [name]
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET /{CANARY}",
        f"GET /api/{CANARY}",
        f"DELETE /api/messages?{CANARY}={CANARY}",
        f"{CANARY.upper()} /api/messages",
        f"GET /api/users/@{CANARY}/short",
        f"GET /api/users/@{CANARY}_x/short",
        f"GET /api/message_groups?cursor={CANARY}",
        f"GET /api/users?cursor={CANARY}",
        f"GET /api/users?{CANARY}=1&{CANARY}=2",
    ],
)
async def test_no_error_repeats_the_input(ann: Person, request_line: str) -> None:
    method, path = request_line.split()
    answer = await ann.client.request(method, path, headers={"x-canary": CANARY, "user-agent": CANARY})
    assert 400 <= answer.status_code < 500
    assert CANARY not in answer.text.lower()
    assert CANARY not in str(answer.headers).lower()
