"""The fifteen mistakes of the old back end, by number: each is shown to be gone."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jose import jwt

from app.auth.issuer import KEY_FILE, LocalIssuer
from app.cache import Caches
from app.concurrency import TaskSet
from app.gateways.dynamodb import Put, Query, Update, unmarshal_item
from app.messaging import inbox_items, inbox_queries, items
from app.messaging.clock import now
from app.messaging.models import Draft, Message
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.settings import Settings
from app.users.service import Users
from app.users.store import UserStore
from tests.fixtures.app import KeyServer, NewPerson, Person, Service, running
from tests.http.faulty import broken, changed
from tests.http.problem import problem_of
from tests.tools.servers import Server
from tests.tools.stored import new_inbox_row

NEW_YEAR = datetime(2020, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


async def all_rows(service: Service, person: Person) -> list[dict[str, Any]]:
    found = await service.state["table"].query(inbox_queries.inbox_rows(person.uuid, limit=None, consistent=True))
    return list(map(unmarshal_item, found))


async def whole_log(service: Service, one: Person, other: Person) -> list[dict[str, Any]]:
    query = items.newest_messages(one.group_with(other), limit=1000, consistent=True)
    return list(map(unmarshal_item, await service.state["table"].query(query)))


async def test_01_lists_are_not_bounded_by_the_calendar_year(service: Service, ann: Person, bob: Person) -> None:
    """In the old back end everything vanished on 1 January."""
    group, table = ann.group_with(bob), service.state["table"]
    old = [Message(group, n, uuid4(), bob.uuid, f"year {at.year}", at) for n, at in enumerate(NEW_YEAR, 1)]
    for message in old:
        await table.put(items.new_message(message))
    for user, peer in ((ann, bob), (bob, ann)):
        await table.put(new_inbox_row(old[1], user=user.uuid, peer=peer.uuid))
    messages = await ann.get(f"/api/messages/{group}")
    assert [(m["message"], m["created_at"]) for m in messages] == [
        ("year 2020", "2020-12-31T23:59:59.999Z"),
        ("year 2021", "2021-01-01T00:00:00.000Z"),
    ]
    assert [(row["uuid"], row["created_at"]) for row in await ann.inbox()] == [(str(group), "2021-01-01T00:00:00.000Z")]
    assert (await ann.get("/api/messages/counter"))["count"] == 1
    assert (await ann.sent("this year", bob))["number"] == 3


async def test_02_only_members_read_or_write_a_group(service: Service, ann: Person, bob: Person, eve: Person) -> None:
    group = (await ann.sent("private", bob))["message_group_uuid"]
    for answer in (
        await eve.client.get(f"/api/messages/{group}"),
        await eve.client.get(f"/api/message_groups/{group}"),
        await eve.client.put(f"/api/message_groups/{group}/read", json={"number": 1}),
        await eve.send("let me in", group),
    ):
        problem_of(answer, 404, "group-not-found")
        assert "private" not in answer.text
    assert len(await whole_log(service, ann, bob)) == 1
    assert await eve.inbox() == []


async def test_03_validation_errors_are_422(ann: Person) -> None:
    bodies: tuple[Any, ...] = ({}, {"message": 1}, {"message": "x"}, {"message": "", "handle": "x"}, [], "x", 5)
    for body in (*bodies, {"message": "x" * 2000, "handle": "x"}):
        answer = await ann.client.post("/api/messages", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"]
    assert (await ann.client.post("/api/messages")).status_code == 415
    for path in (
        "/api/messages/no-uuid",
        "/api/messages/x?limit=0",
        "/api/message_groups?limit=many",
        "/api/users?limit=",
    ):
        assert (await ann.client.get(path)).status_code == 422


async def test_04_wrong_tokens_schemes_and_malformed_headers_are_401(
    settings: Settings, anonymous: httpx.AsyncClient, ann: Person
) -> None:
    """Wrong issuer, id tokens, not-yet-valid tokens and the `Basic` scheme."""
    claims: dict[str, Any] = jwt.get_unverified_claims(ann.token)
    headers = jwt.get_unverified_header(ann.token)
    key = await asyncio.to_thread((settings.data_dir / KEY_FILE).read_bytes)

    def signed(**changes: Any) -> str:
        return str(jwt.encode(claims | changes, key, "RS256", headers=headers))

    good = await anonymous.get("/api/users/me", headers={"authorization": f"Bearer {signed()}"})
    assert good.status_code == 200, "the forgery must fail for the changed claim alone"
    wrong = [
        f"Bearer {signed(iss='https://elsewhere.example.com/pool')}",
        f"Bearer {signed(iss=claims['iss'] + '/')}",
        f"Bearer {signed(token_use='id')}",
        f"Bearer {signed(nbf=int(time.time()) + 3600)}",
        f"Bearer {signed(iat=int(time.time()) + 3600, exp=int(time.time()) + 7200)}",
        f"Bearer {signed(client_id='another')}",
        f"Basic {ann.token}",
        *("", "Bearer", "Bearer  ", "Bearer a", "Bearer a.b", "Bearer a.b.c", "Bearer é.é.é", ann.token, "\t", ","),
    ]
    for value in wrong:
        answer = await anonymous.get("/api/users/me", headers=[(b"authorization", value.encode())])
        problem_of(answer, 401, "unauthenticated")


async def test_05_the_key_set_is_cached_and_its_outage_is_503(
    settings: Settings, key_server: KeyServer, ann: Person
) -> None:
    before = key_server.fetches
    async with running(settings) as service, service.client(authorization=f"Bearer {ann.token}") as client:
        await asyncio.gather(*(client.get("/api/users/me") for _ in range(50)))
        assert key_server.fetches == before + 1
    async with (
        broken("refused") as port,
        running(changed(settings, cognito_jwks_url=f"http://127.0.0.1:{port}/")) as without_keys,
        without_keys.client(authorization=f"Bearer {ann.token}") as client,
    ):
        problem_of(await client.get("/api/users/me"), 503, "unavailable")


async def test_06_starting_a_group_twice_makes_a_single_group(service: Service, ann: Person, bob: Person) -> None:
    answers = [await ann.sent("hi", bob), await ann.sent("hi again", bob), await bob.sent("hi you", ann)]
    assert {answer["message_group_uuid"] for answer in answers} == {str(ann.group_with(bob))}
    assert len(await ann.inbox()) == len(await bob.inbox()) == 1
    assert len(await all_rows(service, ann)) == 1


async def test_07_the_answers_uuid_is_the_messages(ann: Person, bob: Person) -> None:
    wanted = str(uuid4())
    chosen, given = await ann.sent("one", bob, uuid=wanted), await ann.sent("two", bob)
    assert (chosen["uuid"], chosen["user_uuid"]) == (wanted, str(ann.uuid))
    assert given["uuid"] not in (str(ann.uuid), str(bob.uuid), wanted, given["message_group_uuid"])
    assert [m["uuid"] for m in await bob.get(f"/api/messages/{ann.group_with(bob)}")] == [wanted, given["uuid"]]


async def test_08_two_sends_in_a_microsecond_are_both_kept(service: Service, ann: Person, bob: Person) -> None:
    """The clock stands still, in two processes."""
    stopped = now()
    table, users = service.state["table"], Users(UserStore(service.state["postgres"]), Caches(TaskSet()))
    processes = [
        Messaging(MessagingStore(table), users, message_max_length=100, tasks=TaskSet(), clock=lambda: stopped)
        for _ in range(2)
    ]
    sends = [
        processes[number % 2].send(Draft(sender.uuid, f"{number}"), group=None, handle=peer.handle)
        for number, (sender, peer) in enumerate([(ann, bob), (bob, ann)] * 8)
    ]
    sent = await asyncio.gather(*sends)
    stored = await ann.get(f"/api/messages/{ann.group_with(bob)}")
    assert sorted(message.text for message in sent) == sorted(m["message"] for m in stored)
    assert [m["number"] for m in stored] == list(range(1, 17))
    assert len({m["created_at"] for m in stored}) == 1


async def test_09_an_inbox_row_moves_in_a_single_update(
    service: Service, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash lost the conversation, a stale index read doubled it."""
    table, index_values = service.state["table"], {":inbox": f"IN#{bob.uuid}"}
    await ann.sent("first", bob)
    client: Any = table._client  # noqa: SLF001  # the calls themselves are what counts
    calls: list[str] = []
    for name in ("delete_item", "batch_write_item", "transact_write_items"):
        monkeypatch.setattr(client, name, lambda *_, name=name, **__: calls.append(name))
    long_ago = Update(items.inbox_key(bob.uuid, ann.group_with(bob)), "SET #activity_bucket = :one", {":one": 1})
    for number in range(30):
        if number % 10 == 0:
            await table.update(long_ago)  # so that this send moves the row in the index
        await ann.sent(f"{number}", bob)
        assert len(await all_rows(service, bob)) == 1
        assert len(await table.query(Query("#inbox = :inbox", index_values, index=inbox_items.INBOX_INDEX))) == 1
    assert calls == []
    assert [row["last_number"] for row in await bob.inbox()] == [31]


async def test_10_names_are_current_and_never_copied(ann: Person, bob: Person) -> None:
    await bob.sent("hi", ann)
    group = ann.group_with(bob)
    assert (await ann.inbox())[0]["display_name"] == "Bob"
    assert (await bob.client.patch("/api/users/me", json={"display_name": "Robert"})).status_code == 200
    shown = [
        (await ann.inbox())[0],
        await ann.get(f"/api/message_groups/{group}"),
        (await ann.get(f"/api/messages/{group}"))[0],
        await ann.get(f"/api/users/@{bob.handle}/short"),
        await bob.get("/api/users/me"),
        await bob.sent("it is me", ann),
    ]
    assert {(view["display_name"], view["handle"]) for view in shown} == {("Robert", bob.handle)}


@asynccontextmanager
async def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert datetime.now().astimezone().utcoffset() != datetime.now(UTC).utcoffset()
        yield
    time.tzset()


async def test_11_all_times_are_utc(
    monkeypatch: pytest.MonkeyPatch, ann: Person, bob: Person, new_person: NewPerson
) -> None:
    async with in_tokyo(monkeypatch):
        before = datetime.now(UTC)
        message = await ann.sent("what time is it?", bob)
        carl = await new_person("carl")
        texts = [
            message["created_at"],
            (await bob.inbox())[0]["created_at"],
            (await bob.get(f"/api/messages/{ann.group_with(bob)}"))[0]["created_at"],
            (await carl.get("/api/users/me"))["created_at"],
        ]
        after = datetime.now(UTC)
    for text in texts:
        assert len(text) == len("2026-11-24T09:30:00.123Z")
        assert text.endswith("Z")
        assert abs((datetime.fromisoformat(text) - before).total_seconds()) < 1 + (after - before).total_seconds()
    assert texts[0] == texts[1] == texts[2]


async def test_12_lists_page_past_20(ann: Person, bob: Person) -> None:
    for number in range(45):
        await ann.sent(f"{number}", bob)
    path: str | None = f"/api/messages/{ann.group_with(bob)}?limit=20"
    pages = []
    while path:
        answer = await bob.client.get(path)
        pages.append([message["number"] for message in answer.json()])
        path = answer.links.get("next", {}).get("url")
    assert pages == [list(range(26, 46)), list(range(6, 26)), list(range(1, 6))]


async def test_13_cors_reflects_no_foreign_origin(ann: Person, bob: Person) -> None:
    send = {"message": "x", "handle": bob.handle}
    for origin in ("https://evil.example", "null", "https://app.example.com.evil.example"):
        for body in (send, {}):
            answer = await ann.client.post("/api/messages", json=body, headers={"origin": origin})
            assert "access-control-allow-origin" not in answer.headers
            assert origin not in str(answer.headers)
    answer = await ann.client.post("/api/messages", json=send, headers={"origin": "https://app.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


async def test_14_logs_contain_no_texts_claims_or_sql(
    settings: Settings, issuer: LocalIssuer, ann: Person, bob: Person
) -> None:
    text, unknown = f"secret {uuid4()}", str(uuid4())
    server = Server(settings, variables={"LOG_LEVEL": "DEBUG"}, stderr=asyncio.subprocess.PIPE)
    await server.start()
    assert server.process
    assert server.process.stderr
    written = asyncio.ensure_future(server.process.stderr.read())
    async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        signed = {"authorization": f"Bearer {ann.token}"}
        await client.post("/api/messages", json={"message": text, "handle": bob.handle}, headers=signed)
        await client.get(f"/api/messages/{ann.group_with(bob)}", headers=signed)
        await client.get(f"/api/users/@{bob.handle}/short", headers=signed)
        stranger = {"authorization": f"Bearer {issuer.token(unknown, time.time())}"}
        await client.post("/api/users", json={"handle": ann.handle, "display_name": "X"}, headers=stranger)
    await server.stop(signal.SIGTERM)
    lines = (await written).decode().splitlines()
    requests = [line for line in map(json.loads, lines) if line["event"] == "request" and line["route"] != "/healthz"]
    assert [line["status"] for line in requests] == [200, 200, 200, 409]
    secrets = (text, ann.handle, bob.handle, ann.sub, unknown, ann.token.split(".")[1], "token_use", "SELECT", "INSERT")
    assert [secret for secret in secrets if secret.lower() in "\n".join(lines).lower()] == []


async def test_15_a_first_message_is_a_transaction_that_reports_its_errors(
    service: Service, settings: Settings, ann: Person, bob: Person
) -> None:
    """A refused first contact leaves nothing at all, and a failure of the engine is said."""
    table = service.state["table"]
    await table.put(Put({**items.block_key(bob.uuid, ann.uuid), "at": 1}))
    problem_of(await ann.send("hi", bob), 403, "cannot-message")
    assert await all_rows(service, ann) == await all_rows(service, bob) == await whole_log(service, ann, bob) == []
    async with (
        broken("errors") as port,
        running(changed(settings, dynamodb_endpoint_url=f"http://127.0.0.1:{port}")) as failing,
        failing.client(authorization=f"Bearer {bob.token}") as client,
    ):
        answer = await client.post("/api/messages", json={"message": "hi", "handle": ann.handle})
        problem_of(answer, 503, "unavailable")
    assert await all_rows(service, ann) == await all_rows(service, bob) == await whole_log(service, ann, bob) == []


def test_each_of_the_fifteen_has_its_test() -> None:
    names = sorted(name for name in globals() if name.startswith("test_") and name[5:7].isdecimal())
    assert [int(name[5:7]) for name in names] == list(range(1, 16))
