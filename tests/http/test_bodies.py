"""A body is read up to its limits of size and time, and only if it is strict JSON; else nothing of it is processed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.http import routes
from app.http.routes import MAX_BODY_BYTES
from tests.fixtures.app import Person, Service
from tests.http.problem import GROUP, problem_of

JSON = {"content-type": "application/json"}


@pytest.fixture(params=["POST /api/messages", "POST /api/users", f"PUT /api/message_groups/{GROUP}/read"])
def route(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each route that takes a body."""
    method, path = request.param.split()
    return method, path


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
