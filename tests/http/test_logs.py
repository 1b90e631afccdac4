"""The logs of a real server process under valid and hostile requests: JSON lines without contents."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.auth.issuer import LocalIssuer
from app.http.middleware import MAX_LINES, LineLimit
from app.settings import Settings
from tests.fixtures.app import NewPerson, Person, Service, people_of
from tests.http.crashing import CANARY
from tests.tools.servers import Server

ROOT = Path(__file__).parents[2]
PLACES = ("crash_with_a_sentence", "crash_with_a_cause", "crash_in_a_group", "answer_wrongly")
REQUEST_ID = "asked-in-the-test"


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a process gets them."""
    names = ("environment", "dynamodb_endpoint_url", "dynamodb_table", "cognito_issuer_url")
    return {
        **{name.upper(): str(getattr(settings, name)) for name in names},
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "COGNITO_CLIENT_IDS": ",".join(settings.cognito_client_ids),
        "LOG_LEVEL": "DEBUG",
        "PATH": os.environ["PATH"],
    }


@dataclass(frozen=True)
class Written:
    """The requests, and all lines that the process wrote."""

    raw: str
    people: tuple[Person, Person]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw.splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == "request"]


async def use(base_url: str, ann: Person, bob: Person) -> None:
    """All routes and all sorts of refusals, with canaries in every place that a client fills."""
    signed = {"authorization": f"Bearer {ann.token}"}
    group = ann.group_with(bob)
    # The first request waits for the start of the process.
    async with httpx.AsyncClient(base_url=base_url, headers=signed, timeout=60) as client:
        send: dict[str, Any] = {"message": CANARY, "handle": bob.handle}
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/api/messages", {"json": send}),
            ("POST", "/api/messages", {"json": {"message": CANARY, "message_group_uuid": str(group)}}),
            ("GET", f"/api/messages/{group}", {"headers": {"x-request-id": REQUEST_ID}}),
            ("GET", "/api/message_groups", {"params": {"limit": 1}}),
            ("GET", "/api/message_groups", {"params": {"cursor": CANARY}}),
            ("PUT", f"/api/message_groups/{group}/read", {"json": {"number": 1}}),
            ("GET", "/api/messages/counter", {}),
            ("GET", "/api/users/me", {}),
            ("GET", "/api/users", {"params": {"q": bob.handle}}),
            ("GET", f"/api/users/@{bob.handle}/short", {}),
            ("GET", f"/api/users/@{CANARY}/short", {}),
            ("POST", "/api/users", {"json": {"handle": "canary_handle", "display_name": CANARY}}),
            ("POST", "/api/messages", {"json": {"message": "x", CANARY: CANARY}}),
            (
                "POST",
                "/api/messages",
                {"content": f'{{"{CANARY}"'.encode(), "headers": {"content-type": "application/json"}},
            ),
            ("POST", "/api/messages", {"content": b"x" * 20_000, "headers": {"content-type": CANARY}}),
            ("GET", f"/{CANARY}?q={CANARY}", {}),
            ("DELETE", f"/api/users/@{CANARY}/short", {}),
            ("GET", "/api/users/me", {"headers": {"authorization": f"Bearer {CANARY}.{CANARY}.{CANARY}"}}),
            ("GET", "/api/users/me", {"headers": {"x-request-id": f"{CANARY} {CANARY}", "user-agent": CANARY}}),
            ("GET", "/api/users/me", {"headers": {"cookie": CANARY, "referer": f"http://x/{CANARY}"}}),
            *(("GET", f"/api/crash/{place}", {}) for place in (*PLACES, "log_an_exception")),
        ]
        for method, path, options in requests:
            answer = await client.request(method, path, **options)
            assert (answer.status_code == 500) == path.removeprefix("/api/crash/").startswith(PLACES), path
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(base_url).port)
    writer.write(f"{CANARY} / {CANARY}\r\n{CANARY}\r\n\r\n".encode())  # what is no HTTP at all
    await reader.read()
    writer.close()


@pytest_asyncio.fixture(scope="module")
async def written(settings: Settings, module_person: NewPerson) -> Written:
    ann, bob = await module_person("nobody_said"), await module_person("such_a_name")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "uvicorn",
            "--factory",
            "tests.http.crashing:create",
            "--fd",
            str(listener.fileno()),
            cwd=ROOT,
            env=environment(settings),
            pass_fds=[listener.fileno()],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout
        output = asyncio.create_task(process.stdout.read())
        try:
            await use(f"http://127.0.0.1:{listener.getsockname()[1]}", ann, bob)
        finally:
            process.terminate()
            raw = (await output).decode()
            await process.wait()
    return Written(raw, (ann, bob))


@pytest_asyncio.fixture(scope="module")
async def module_person(service: Service, issuer: LocalIssuer) -> AsyncIterator[NewPerson]:
    async with people_of(service, issuer) as new_person:
        yield new_person


def test_every_line_is_one_json_object(written: Written) -> None:
    assert all(isinstance(line, dict) for line in written.lines)
    for line in written.lines:
        assert {"event", "level", "logger", "timestamp"} <= line.keys()
        assert line["timestamp"].endswith("Z")


def test_no_line_contains_texts_names_or_tokens(written: Written) -> None:
    ann, bob = written.people
    secrets = [CANARY, "canary_handle", ann.handle, bob.handle, ann.display_name, bob.display_name, ann.sub, bob.sub]
    secrets += [*ann.token.split("."), "Bearer", "INSERT INTO", "postgresql://"]
    assert [secret for secret in secrets if secret.lower() in written.raw.lower()] == []


def test_each_request_is_one_line_with_its_template_and_no_path(written: Written) -> None:
    lines = written.requests()
    assert len(lines) == 25
    for line in lines:
        assert {"request_id", "route", "status", "ms", "method"} <= line.keys()
        assert 0 <= line["ms"] < 10_000
        assert line["route"] is None or line["route"].startswith(("/api/", "/healthz", "/readyz"))
    seen = {(line["method"], line["route"], line["status"]) for line in lines}
    assert ("GET", "/api/users/@{handle}/short", 200) in seen
    assert ("GET", "/api/messages/{message_group_uuid}", 200) in seen
    assert ("PUT", "/api/message_groups/{message_group_uuid}/read", 200) in seen
    assert ("GET", "/api/users/me", 401) in seen
    assert ("GET", None, 404) in seen


def test_the_logged_request_id_is_the_clients(written: Written) -> None:
    (line,) = [line for line in written.requests() if line["request_id"] == REQUEST_ID]
    assert (line["status"], line["user"]) == (200, str(written.people[0].uuid))


def test_an_unhandled_exception_is_logged_with_its_type_place_and_request_id(written: Written) -> None:
    failures = [line for line in written.lines if line["event"] in ("request_failed", "caught")]
    assert len(failures) == len(PLACES) + 1
    types = [failure["exception"][0]["exc_type"] for failure in failures]
    assert types == ["RuntimeError", "KeyError", "ExceptionGroup", "ResponseValidationError", "UniqueViolationError"]
    for failure in failures:
        assert failure["request_id"]
        frames = failure["exception"][0]["frames"]
        assert all(set(frame) <= {"filename", "lineno", "name", "line"} for frame in frames)
    assert failures[0]["exception"][0]["frames"][-1]["name"] == "crash_with_a_sentence"


async def test_strangers_cannot_fill_the_log(settings: Settings, ann: Person) -> None:
    server = Server(settings, variables={"LOG_LEVEL": "INFO"}, stderr=asyncio.subprocess.PIPE)
    await server.start()
    assert server.process
    assert server.process.stderr
    async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        for _ in range(2 * MAX_LINES):
            await client.get("/healthz")
        for _ in range(10):
            await client.get("/api/message_groups", headers={"authorization": f"Bearer {ann.token}"})
        await asyncio.sleep(1)
        await client.get("/healthz")
    await server.stop(signal.SIGTERM)
    lines = [json.loads(line) for line in (await server.process.stderr.read()).splitlines()]
    assert sum(line.get("user") == str(ann.uuid) for line in lines) == 10
    strangers = sum(line["event"] == "request" and not line["user"] for line in lines)
    omitted = sum(line["count"] for line in lines if line["event"] == "requests_not_logged")
    assert strangers + omitted >= 2 * MAX_LINES


def test_the_lines_of_a_second_are_limited_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, omitted = LineLimit(3), list[int]()
    monkeypatch.setattr("app.http.middleware.log.warning", lambda _, count: omitted.append(count), raising=False)
    for second in (100.0, 101.0, 101.9, 102.0):
        lines.start(second)
        assert [lines.take() for _ in range(5)] == ([True] * 3 + [False] * 2 if second != 101.9 else [False] * 5)
    assert omitted == [2, 7]
