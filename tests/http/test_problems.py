"""Every refusal is a problem document that says what is wrong and repeats nothing of what was sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError

from app.gateways.dynamodb import Put
from app.http import routes
from app.http.problems import MAX_ERRORS, on_invalid_request
from app.http.routes import MAX_BODY_BYTES
from app.messaging import items
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of

JSON = {"content-type": "application/json"}
CANARY = "canary-7f3e"
GROUP = "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"


@pytest.fixture(params=["POST /api/messages", "POST /api/users", f"PUT /api/message_groups/{GROUP}/read"])
def route(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each route that takes a body."""
    method, path = request.param.split()
    return method, path


async def refused_send(person: Person, status: int, code: str, **body: Any) -> dict[str, Any]:
    return problem_of(await person.client.post("/api/messages", json=body), status, code)


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


def padded(size: int, *, within: str = "") -> bytes:
    """A JSON object of exactly this many bytes."""
    return json.dumps({"message": within}).encode().ljust(size)


async def chunks(*parts: bytes, pause: float = 0) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
        await asyncio.sleep(pause)


async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(ann: Person, route: tuple[str, str]) -> None:
    method, path = route
    for size, expected in ((MAX_BODY_BYTES, (422, "invalid-body")), (MAX_BODY_BYTES + 1, (413, "body-too-large"))):
        body = b'{"x":1}'.ljust(size)
        problem_of(await ann.client.request(method, path, content=body, headers=JSON), *expected)
        streamed = chunks(body[:9000], body[9000:])
        problem_of(await ann.client.request(method, path, content=streamed, headers=JSON), *expected)
        # A length that is too small or no number does not help.
        for lie in ("1", "0", "-1", "x", "1e9"):
            content = chunks(body)
            answer = await ann.client.request(method, path, content=content, headers=JSON | {"content-length": lie})
            problem_of(answer, *expected)


async def test_a_message_may_fill_the_limit_with_white_space(ann: Person, bob: Person) -> None:
    body = json.dumps({"message": "x", "handle": bob.handle}).encode().ljust(MAX_BODY_BYTES)
    answer = await ann.client.post("/api/messages", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["message"]) == (200, "x")


async def test_a_body_that_never_ends_is_cut_off(ann: Person, route: tuple[str, str]) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            yield b" " * 1000

    answer = await ann.client.request(*route, content=endless(), headers=JSON)
    problem_of(answer, 413, "body-too-large")
    assert read <= MAX_BODY_BYTES + 2000


async def test_a_body_with_a_content_length_over_the_limit_is_not_read(ann: Person, route: tuple[str, str]) -> None:
    async def untouched() -> AsyncIterator[bytes]:
        pytest.fail("was read")
        yield b""

    for length in (str(MAX_BODY_BYTES + 1), "9" * 15):
        headers = JSON | {"content-length": length}
        answer = await ann.client.request(*route, content=untouched(), headers=headers)
        problem_of(answer, 413, "body-too-large")


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-patch+json",
        "application/problem+json",
        "application",
        "json",
        "*/*",
        "application/xml",
        "application/json, text/plain",
        "\xe9",
    ],
)
async def test_other_content_types_are_unsupported_media_type(
    ann: Person, route: tuple[str, str], media_type: str | None
) -> None:
    headers = [] if media_type is None else [(b"content-type", media_type.encode("latin-1"))]
    answer = await ann.client.request(*route, content=b'{"message":"x"}', headers=headers)
    problem_of(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x=y", " application/json "]
)
async def test_all_spellings_of_application_json_are_accepted(
    ann: Person, route: tuple[str, str], media_type: str
) -> None:
    answer = await ann.client.request(*route, content=b'{"x":1}', headers={"content-type": media_type})
    problem_of(answer, 422, "invalid-body")


async def test_a_body_that_arrives_too_slowly_is_cut_off(
    ann: Person, route: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "BODY_SECONDS", 0.05)
    content = chunks(b"{", *[b" "] * 100, pause=0.02)
    answer = await ann.client.request(*route, content=content, headers=JSON)
    problem_of(answer, 408, "request-timeout")


async def test_a_body_that_ends_early_is_not_processed(service: Service, ann: Person, bob: Person) -> None:
    body = json.dumps({"message": "half", "handle": bob.handle}).encode()
    received = [
        {"type": "http.request", "body": body, "more_body": True},  # complete as JSON, but not as announced
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return received.pop(0) if received else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {ann.token}".encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/messages",
        "raw_path": b"/api/messages",
        "query_string": b"",
        "root_path": "",
        "headers": [*headers, (b"content-length", b"%d" % (len(body) + 10))],
        "state": dict(service.state),
    }
    await service.app(scope, receive, send)
    assert await bob.inbox() == []
    assert [message["status"] for message in sent if "status" in message] in ([], [400])


SURROGATE = r'{"message":"\ud800","handle":"x"}'
MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n",
    "cut off": b'{"message":"x"',
    "trailing garbage": b'{"message":"x"} x',
    "trailing comma": b'{"message":"x",}',
    "two documents": b'{"message":"x"}{"message":"y"}',
    "two lines": b'{"message":"x"}\n{"message":"y"}',
    "single quotes": b"{'message':'x'}",
    "comment": b'{"message":"x"/**/}',
    "bare name": b'{message:"x"}',
    "duplicate": b'{"message":"x","message":"y"}',
    "duplicate by escape": rb'{"message":"x","m\u0065ssage":"y"}',
    "nested duplicate": b'{"message":{"a":1,"a":2}}',
    "duplicate in a list": b'{"message":[{"a":1,"a":1}]}',
    "NaN": b'{"number":NaN}',
    "Infinity": b'{"number":Infinity}',
    "-Infinity": b'{"number":-Infinity}',
    "too large a number": b'{"number":1e999}',
    "too small a number": b'{"number":-1e999}',
    "nested NaN": b'{"number":[[NaN]]}',
    "top-level NaN": b"NaN",
    "hexadecimal": b'{"number":0x10}',
    "leading zero": b'{"number":01}',
    "plus sign": b'{"number":+1}',
    "no digit before the point": b'{"number":.5}',
    "escaped high surrogate": SURROGATE.encode(),
    "escaped low surrogate": SURROGATE.replace("d800", "dfff").encode(),
    "surrogates in the wrong order": SURROGATE.replace(r"\ud800", r"\ude00\ud83d").encode(),
    "surrogate in a name": rb'{"\ud800":1}',
    "nested surrogate": rb'{"a":[{"b":"\udc00"}]}',
    "raw surrogate": b'{"message":"\xed\xa0\x80"}',
    "raw surrogate pair": b'{"message":"\xed\xa0\xbd\xed\xb8\x80"}',
    "stray byte": b'{"message":"\xff"}',
    "cut-off character": b'{"message":"\xe2\x82"}',
    "overlong": b'{"message":"\xc0\xaf"}',
    "beyond Unicode": b'{"message":"\xf4\x90\x80\x80"}',
    "BOM": b'\xef\xbb\xbf{"message":"x"}',
    "UTF-16": '{"message":"x"}'.encode("utf-16"),
    "UTF-16 LE": '{"message":"x"}'.encode("utf-16-le"),
    "UTF-16 BE": '{"message":"x"}'.encode("utf-16-be"),
    "UTF-32": '{"message":"x"}'.encode("utf-32"),
    "Latin-1": '{"message":"é"}'.encode("latin-1"),
    "raw control character": b'{"message":"a\x01b"}',
    "raw line end": b'{"message":"a\nb"}',
    "raw NUL": b'{"message":"a\x00b"}',
    "NUL behind": b'{"message":"x"}\x00',
    "wrong escape": rb'{"message":"\x41"}',
    "half an escape": rb'{"message":"\u12"}',
    "deep lists": b"[" * 8000 + b"]" * 8000,
    "deep objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "half of deep lists": b"[" * 16_000,
    "number of 5000 digits": b'{"number":' + b"9" * 5000 + b"}",
    "form": b"message=x&handle=y",
    "no-break space": '\u00a0{"message":"x"}'.encode(),
    "True": b'{"message":True}',
}


@pytest.mark.parametrize("kind", MALFORMED)
async def test_json_that_is_not_strict_is_400(ann: Person, route: tuple[str, str], kind: str) -> None:
    problem_of(await ann.client.request(*route, content=MALFORMED[kind], headers=JSON), 400, "malformed-json")


@pytest.mark.parametrize(
    "body",
    [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1.5",
        "1e5",
        '""',
        '"text"',
        "[]",
        "[1]",
        "{}",
        '[{"message":"x"}]',
        "9" * 4000,
        '{"number":' + "9" * 4000 + "}",
        '{"number":-1e-300}',
        '{"":1}',
        '{"\\u0000":1}',
        '{"__proto__":{}}',
        '{"message":{"a":[[[1]]]}}',
        "[[],[]]",
    ],
)
async def test_json_of_another_form_is_422(ann: Person, route: tuple[str, str], body: str) -> None:
    problem_of(await ann.client.request(*route, content=body.encode(), headers=JSON), 422, "invalid-body")


NOT_TEXT = [None, True, 1, 1.5, [], ["x"], {}, {"x": 1}]
NOT_OPTIONAL_TEXT = NOT_TEXT[1:]
NOT_A_NUMBER = [True, False, "1", 1.5, 1.0, -1, 10**12, 10**30, -(10**30), [], [1], {}, "x", ""]
NOT_A_UUID = [
    True,
    1,
    1.5,
    [],
    {},
    "",
    "x",
    GROUP[:-1],
    GROUP + "0",
    GROUP.replace("-", ""),
    f"{{{GROUP}}}",
    f"urn:uuid:{GROUP}",
    f" {GROUP}",
    "g" + GROUP[1:],
    GROUP.replace("0", "٠"),
    "\0" * 36,
]
WRONG_FIELDS: list[tuple[str, list[Any]]] = [
    ("message", NOT_TEXT),
    ("handle", [*NOT_OPTIONAL_TEXT, "x" * 65]),
    ("message_group_uuid", NOT_A_UUID),
    ("uuid", NOT_A_UUID),
    ("after", NOT_A_NUMBER),
    ("reply_to", [*NOT_A_NUMBER, 0]),
    ("mentions", ["x", 1, {}, GROUP]),
]
SERVERS_OWN = [
    "number",
    "user_uuid",
    "created_at",
    "edited_at",
    "deleted_at",
    "kind",
    "display_name",
    "state",
    "sub",
    "cognito_user_id",
    "pk",
    "sk",
    "id",
    "version",
    "unread_count",
    "last_number",
]


@pytest.mark.parametrize(("name", "values"), WRONG_FIELDS, ids=[name for name, _ in WRONG_FIELDS])
async def test_wrong_types_in_a_message_are_422(ann: Person, bob: Person, name: str, values: list[Any]) -> None:
    right = {"message": CANARY, "handle": bob.handle}
    for value in values:
        problem = await refused_send(ann, 422, "invalid-body", **right | {name: value})
        assert {defect["pointer"] for defect in problem["errors"]} == {f"/{name}"}, value
        assert CANARY not in json.dumps(problem)
    assert await ann.inbox() == await bob.inbox() == []


@pytest.mark.parametrize("name", [*SERVERS_OWN, CANARY, "Message", "message ", "", "a/b~c", "\0", "__class__"])
async def test_unknown_and_read_only_members_are_422(ann: Person, bob: Person, name: str) -> None:
    await ann.sent("one", bob)
    group = ann.group_with(bob)
    before = await ann.inbox(), await bob.inbox(), await ann.get("/api/users/me")
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/messages", {"message": "x", "handle": bob.handle, name: CANARY}),
        ("POST", "/api/users", {"handle": ann.handle, "display_name": "Ann", name: CANARY}),
        ("PUT", f"/api/message_groups/{group}/read", {"number": 1, name + "?" * (name == "number"): CANARY}),
    ]
    for method, path, body in bodies:
        if name == "display_name" and path == "/api/users":
            continue
        answer = await ann.client.request(method, path, json=body)
        problem = problem_of(answer, 422, "invalid-body")
        assert [(d["code"], d["pointer"]) for d in problem["errors"]] == [("unknown-field", "")]
        assert CANARY not in answer.text
    assert before == (await ann.inbox(), await bob.inbox(), await ann.get("/api/users/me"))


@pytest.mark.parametrize("number", [*NOT_A_NUMBER, None, 0])
async def test_wrong_types_in_a_read_marker_are_422(ann: Person, bob: Person, number: Any) -> None:
    await bob.sent("one", ann)
    path = f"/api/message_groups/{ann.group_with(bob)}/read"
    problem = problem_of(await ann.client.put(path, json={"number": number}), 422, "invalid-body")
    assert [defect["pointer"] for defect in problem["errors"]] == ["/number"]
    assert (await ann.inbox())[0]["unread_count"] == 1


@pytest.mark.parametrize("name", ["handle", "display_name"])
async def test_wrong_types_in_a_registration_are_422(ann: Person, name: str) -> None:
    for value in NOT_TEXT:
        body = {"handle": "somebody_new", "display_name": "New", name: value}
        problem = problem_of(await ann.client.post("/api/users", json=body), 422, "invalid-body")
        assert [defect["pointer"] for defect in problem["errors"]] == [f"/{name}"]


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
