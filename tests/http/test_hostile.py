"""Hundreds of hostile inputs × every text field and parameter."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import httpx
import pytest

from app.http.middleware import REQUEST_ID
from app.messaging.preview import is_blank
from tests.fixtures.app import Person, Service
from tests.http.hostile import HOSTILE
from tests.http.problem import MEMBERS

JSON = {"content-type": "application/json"}
GROUP = "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"
AT_ONCE = 20
ENCODABLE = [text for text in HOSTILE if not any("\ud800" <= character <= "\udfff" for character in text)]
SENDABLE = [text for text in ENCODABLE if not is_blank(text) and len(text) <= 1024 and "\0" not in text]

SEND = ("POST", "/api/messages")
REGISTER = ("POST", "/api/users")
READ = ("PUT", f"/api/message_groups/{GROUP}/read")
TO_NOBODY = {"message": "x", "handle": "nobody_here"}
BODIES: dict[str, tuple[tuple[str, str], Callable[[Any], Any]]] = {
    "handle of a send": (SEND, lambda value: {"message": "x", "handle": value}),
    "group of a send": (SEND, lambda value: {"message": "x", "message_group_uuid": value}),
    "uuid of a send": (SEND, lambda value: TO_NOBODY | {"uuid": value}),
    "after of a send": (SEND, lambda value: TO_NOBODY | {"after": value}),
    "reply_to of a send": (SEND, lambda value: TO_NOBODY | {"reply_to": value}),
    "mentions of a send": (SEND, lambda value: TO_NOBODY | {"mentions": [value]}),
    "name of a member": (SEND, lambda value: TO_NOBODY | {f"{value}!": 1}),
    "whole body": (SEND, lambda value: value),
    "nested": (SEND, lambda value: {"message": [{"a": value}], "handle": {value: value}}),
    "read number": (READ, lambda value: {"number": value}),
    "handle of a registration": (REGISTER, lambda value: {"handle": value, "display_name": "X"}),
    "display name of a registration": (REGISTER, lambda value: {"handle": "another", "display_name": value}),
}
QUERIES = [
    ("/api/message_groups", ["limit", "cursor"]),
    (f"/api/messages/{GROUP}", ["limit", "before", "after", "around"]),
    ("/api/users", ["q", "limit", "cursor"]),
    ("/api/users/me", ["unknown"]),
]
PATHS = ("/api/users/@{}/short", "/api/messages/{}", "/api/message_groups/{}", "/api/message_groups/{}/read", "/{}")
HEADERS = [
    "authorization",
    "x-request-id",
    "origin",
    "content-type",
    "host",
    "accept",
    "cookie",
    "content-length",
    "accept-encoding",
    "x-forwarded-for",
    "x-http-method-override",
]


def test_the_set_has_at_least_300_hostile_values() -> None:
    assert len(HOSTILE) >= 300


@dataclass(frozen=True)
class Attack:
    """Asks the application itself, without a client's good manners, and wants neither a fault of ours nor an echo."""

    service: Service
    person: Person

    async def all(self, asked: Iterable[tuple[str, Awaitable[httpx.Response]]]) -> None:
        texts, answers = zip(*asked, strict=True)
        for start in range(0, len(texts), AT_ONCE):
            for offset, answer in enumerate(await asyncio.gather(*answers[start : start + AT_ONCE])):
                text = texts[start + offset]
                assert answer.status_code < 500, text
                if answer.status_code >= 400:
                    assert_no_echo(text, answer)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> httpx.Response:
        """`path` is what stands in the request line, query and all."""
        raw, _, query = path.partition("?")
        own = [(b"authorization", b"Bearer " + self.person.token.encode()), (b"content-type", b"application/json")]
        given = {name for name, _ in headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [*headers, *(pair for pair in own if pair[0] not in given)],
            "state": dict(self.service.state),
        }
        messages: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.service.app(scope, receive, send)
        start, *rest = messages
        return httpx.Response(start["status"], headers=start["headers"], content=b"".join(m["body"] for m in rest))


@pytest.fixture
def attack(service: Service, ann: Person) -> Attack:
    return Attack(service, ann)


def assert_no_echo(text: str, answer: httpx.Response) -> None:
    """Inputs that happen to be words of our own sentences prove nothing."""
    problem = answer.json()
    assert set(problem) <= MEMBERS | {"errors"}
    said = [problem["title"], problem["detail"]]
    said += [str(value) for defect in problem.get("errors", ()) for value in defect.values()]
    assert all(sentence.isprintable() for sentence in said)
    needle = text.strip()
    if len(needle) > 4 and needle not in ("short", "message", "limit"):
        assert not any(needle in sentence for sentence in said), text
        headers = {name: value for name, value in answer.headers.items() if name != "content-type"}
        assert needle not in json.dumps(list(headers.values())), text


@pytest.mark.parametrize("place", BODIES)
async def test_hostile_bodies_get_a_documented_answer(attack: Attack, place: str) -> None:
    (method, path), body = BODIES[place]
    await attack.all((text, attack.ask(method, path, json.dumps(body(text)).encode())) for text in HOSTILE)
    assert await attack.person.inbox() == []
    assert (await attack.person.get("/api/users/me"))["display_name"] == "Ann"


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in QUERIES for name in names])
async def test_hostile_query_parameters_get_a_documented_answer(attack: Attack, path: str, name: str) -> None:
    queries = [(text, f"{name}={quote(text)}") for text in ENCODABLE]
    queries += [(text, quote(text)) for text in ENCODABLE[::10]]
    odd = (f"{name}=%ff%fe", "%", name, "=&==&&", f"{name}[]=1", ";;=;", f"{name}=%", f"{name}=%u0031", "?" * 3000)
    queries += [("", query) for query in odd]
    await attack.all((text, attack.ask("GET", f"{path}?{query}")) for text, query in queries)


@pytest.mark.parametrize("template", PATHS)
async def test_hostile_paths_get_a_documented_answer(attack: Attack, template: str) -> None:
    method, body = ("PUT", b'{"number":1}') if template.endswith("read") else ("GET", b"")
    texts = [text for text in ENCODABLE if not (template == "/{}" and text in ("docs", "healthz", "readyz"))]
    await attack.all((text, attack.ask(method, template.replace("{}", quote(text, safe="")), body)) for text in texts)


@pytest.mark.parametrize("name", HEADERS)
async def test_hostile_headers_get_a_documented_answer(attack: Attack, name: str) -> None:
    """No server lets line ends and NUL through. A well-formed id comes back, as it should."""
    pairs = [(text, text.encode()) for text in ENCODABLE if not set(text) & set("\r\n\0") and len(text) < 5000]
    if name == "x-request-id":
        pairs = [(text, value) for text, value in pairs if not REQUEST_ID.fullmatch(text)]
    header = name.encode()
    await attack.all((text, attack.ask("POST", "/api/messages", b"{}", [(header, value)])) for text, value in pairs)


async def test_texts_come_back_byte_for_byte(ann: Person, bob: Person) -> None:
    assert len(SENDABLE) >= 300
    uuids = {}
    group = ann.group_with(bob)
    await ann.sent("first", bob)
    for start in range(0, len(SENDABLE), AT_ONCE):
        texts = SENDABLE[start : start + AT_ONCE]
        for text, sent in zip(texts, await asyncio.gather(*(ann.sent(text, group) for text in texts)), strict=True):
            assert sent["message"] == text
            uuids[sent["uuid"]] = text
    for after in range(1, len(SENDABLE) + 1, 100):
        for message in await bob.get(f"/api/messages/{group}", after=after, limit=100):
            assert message["message"] == uuids.pop(message["uuid"])
    assert uuids == {}


async def test_a_refused_message_changes_nothing(ann: Person, bob: Person) -> None:
    for text in set(HOSTILE) - set(SENDABLE):
        body = json.dumps({"message": text, "handle": bob.handle, "uuid": str(uuid4())}).encode()
        answer = await ann.client.post("/api/messages", content=body, headers=JSON)
        assert answer.status_code in (400, 422), text
        assert answer.json()["code"] in (
            "malformed-json",
            "invalid-body",
            "message-blank",
            "message-too-long",
            "message-malformed",
        )
    assert await ann.inbox() == await bob.inbox() == []


async def test_previews_of_hostile_texts_are_their_beginnings(ann: Person, bob: Person) -> None:
    for text in ("👩‍👩‍👧‍👦" * 20, "a" + "\u0301" * 500, "x" * 1024, "\x1b[31m" * 50, "﷽" * 50):
        await ann.sent(text, bob)
        (row,) = await bob.inbox()
        assert text.startswith(row["message"].removesuffix("…"))
        assert 0 < len(row["message"].encode()) <= 160
