"""Access by each caller to each route. A route that is missing from the table fails here."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts

from app.auth.issuer import LIFETIME, LocalIssuer
from app.gateways.dynamodb import Update
from app.http.routes import MAX_BODY_BYTES
from app.messaging import items
from app.messaging.requests.store import MAX_MESSAGES
from app.settings import Settings
from app.users.events import AccountChanged
from app.users.store import UserStore
from tests.fixtures.app import Person, Service, people_of
from tests.http.problem import anonymised, problem_of

PUBLIC = {
    ("GET", path)
    for path in (
        "/api/health-check",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/metrics",
        "/api/config",
        "/docs",
        "/docs/{name}",
        "/",
        "/messages",
        "/messages/new/{handle}",
        "/messages/{message_group_uuid}",
        "/messages/{message_group_uuid}/{number}",
        "/static/{path:path}",
    )
}
PLACES = {
    "name": "docs.js",
    "path": "app.js",
    "handle": "ann",
    "message_group_uuid": uuid4(),
    "number": 1,
    "emoji": "%F0%9F%91%8D",
    "user_uuid": uuid4(),
}
OK = 200, ""
NO_GROUP = 404, "group-not-found"
CANNOT = 403, "cannot-message"
BLOCK_SELF = 422, "block-self"
NOT_SENDER = 403, "not-sender"
MESSAGE = "/api/messages/{message_group_uuid}/{number}"
"""Ann's message to the caller."""
Outcome = tuple[int, str]


@dataclass(frozen=True)
class Row:
    """A call, and the outcome of each signed-in caller. `{group}` and `{handle}` are filled in."""

    method: str
    template: str
    body: dict[str, Any] | None = None
    member: Outcome = OK
    stranger: Outcome = OK
    former: Outcome = OK
    blocked: Outcome = OK
    requested: Outcome = OK
    """Ann has written to the caller first, and the caller has not accepted it."""
    requester: Outcome = OK
    """The caller has written to Ann first, and has no message left; number 1 is the caller's own."""
    declined: Outcome = OK
    unknown: Outcome = (403, "unknown-user")
    name: str = field(default="")
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.template}{self.name}"


CALLERS = "member", "former", "blocked", "stranger", "requested", "requester", "declined"
OF_SEVERAL: Any = dict.fromkeys(CALLERS, NO_GROUP)
"""A direct group has neither roles nor members to add; `test_group_access` has the others."""
ABOUT_A_GROUP: Any = dict.fromkeys(("stranger", "former", "declined"), NO_GROUP)
UNCONFIRMED: Any = dict.fromkeys(CALLERS, (422, "handle-differs"))
OF_ONESELF: Any = dict.fromkeys(CALLERS, BLOCK_SELF)
TABLE = (
    Row("GET", "/api/message_groups"),
    Row(
        "POST",
        "/api/message_groups",
        {"title": "x", "handles": ["{handle}"]},
        blocked=(403, "cannot-add"),
    ),
    Row("PATCH", "/api/message_groups/{message_group_uuid}", {"title": "x"}, **OF_SEVERAL),
    Row("GET", "/api/message_groups/{message_group_uuid}/members", **OF_SEVERAL),
    Row("POST", "/api/message_groups/{message_group_uuid}/members", {"handles": ["{handle}"]}, **OF_SEVERAL),
    Row("PATCH", "/api/message_groups/{message_group_uuid}/members/{user_uuid}", {"role": "admin"}, **OF_SEVERAL),
    Row("DELETE", "/api/message_groups/{message_group_uuid}/members/{user_uuid}", **OF_SEVERAL),
    Row("GET", "/api/users/me/pins"),
    Row("GET", "/api/message_groups/{message_group_uuid}", **ABOUT_A_GROUP),
    Row("GET", "/api/users/@{handle}/message_group", **ABOUT_A_GROUP),  # before the strangers write
    Row("PUT", "/api/message_groups/{message_group_uuid}/read", {"number": 1}, **ABOUT_A_GROUP),
    Row("GET", "/api/message_groups/{message_group_uuid}/read", **ABOUT_A_GROUP),
    Row("PUT", "/api/message_groups/{message_group_uuid}/delivered", {"number": 1}, **ABOUT_A_GROUP),
    Row("PATCH", "/api/message_groups/{message_group_uuid}/view", {"is_marked_unread": False}, **ABOUT_A_GROUP),
    Row("PUT", "/api/message_groups/{message_group_uuid}/accept", **ABOUT_A_GROUP),
    Row("PUT", "/api/message_groups/{message_group_uuid}/decline", **ABOUT_A_GROUP | {"declined": OK}),
    Row("DELETE", "/api/message_groups/{message_group_uuid}", name=" is left", **ABOUT_A_GROUP),
    Row("POST", "/api/message_groups/{message_group_uuid}/typing", blocked=CANNOT, **ABOUT_A_GROUP),
    Row("DELETE", "/api/message_groups/{message_group_uuid}/typing", blocked=CANNOT, **ABOUT_A_GROUP),
    Row("POST", "/api/sync", {"groups": {}}),
    Row("GET", "/api/messages/counter"),
    Row("GET", "/api/messages/{message_group_uuid}", **ABOUT_A_GROUP),
    Row("GET", "/api/messages/{message_group_uuid}/changes", **ABOUT_A_GROUP),
    Row("GET", MESSAGE, **ABOUT_A_GROUP),
    Row(
        "PATCH",
        MESSAGE,
        {"message": "hi"},
        headers={"if-match": '"1"'},
        member=NOT_SENDER,
        requested=NOT_SENDER,
        blocked=CANNOT,
        **ABOUT_A_GROUP,
    ),
    Row("DELETE", MESSAGE, member=NOT_SENDER, requested=NOT_SENDER, blocked=NOT_SENDER, **ABOUT_A_GROUP),
    Row("GET", f"{MESSAGE}/edits", **ABOUT_A_GROUP),
    Row("GET", f"{MESSAGE}/reactions", **ABOUT_A_GROUP),
    Row("PUT", f"{MESSAGE}/reactions/{{emoji}}", blocked=CANNOT, requester=CANNOT, **ABOUT_A_GROUP),
    Row("DELETE", f"{MESSAGE}/reactions/{{emoji}}", **ABOUT_A_GROUP),
    Row("GET", f"{MESSAGE}/receipts", **ABOUT_A_GROUP),
    Row(
        "POST",
        "/api/messages",
        {"message": "hi", "message_group_uuid": "{group}"},
        blocked=CANNOT,
        requester=CANNOT,
        name=" to a group",
        **ABOUT_A_GROUP,
    ),
    Row(
        "POST",
        "/api/messages",
        {"message": "hi", "handle": "{handle}"},
        blocked=CANNOT,
        requester=CANNOT,
        name=" to a person",
    ),
    Row("POST", "/api/reports", {"handle": "{handle}", "reason": "spam"}, name=" of a person"),
    Row(
        "POST",
        "/api/reports",
        {"message_group_uuid": "{group}", "number": 1, "reason": "spam"},
        requester=(422, "report-of-self"),
        name=" of a message",
        **ABOUT_A_GROUP,
    ),
    Row("GET", "/api/users"),
    Row("GET", "/api/users/me"),
    Row("GET", "/api/users/me/settings"),
    Row("PATCH", "/api/users/me/settings", {"receipts": True}),
    Row("GET", "/api/users/presence"),
    Row("GET", "/api/users/me/blocks"),
    Row("PUT", "/api/users/@{handle}/block", name=" of oneself", **OF_ONESELF),
    Row("DELETE", "/api/users/@{handle}/block"),  # which none of them has made
    Row("PATCH", "/api/users/me", {"display_name": "{own_name}"}),
    Row("GET", "/api/users/me/export"),
    Row("DELETE", "/api/users/me", query={"handle": "another"}, **UNCONFIRMED),
    Row("GET", "/api/users/@{handle}"),
    Row("GET", "/api/users/@{handle}/short"),
    Row("POST", "/api/users", {"handle": "{own_handle}", "display_name": "{own_name}"}, unknown=OK),
)
"""Blocked users read history; former members come back only with a message between the two users."""
EVENTS = Row("GET", "/api/events")
"""The caller's own stream, which ends only with the token."""
ROUTES = sorted({(row.method, row.template) for row in (*TABLE, EVENTS)})


@dataclass(frozen=True)
class Caller:
    """A caller and the group that the calls name."""

    person: Person
    group: UUID


@dataclass(frozen=True)
class World:
    """Ann, and a caller of each relation to her."""

    ann: Person
    callers: dict[str, Caller]


@pytest_asyncio.fixture(scope="module")
async def world(service: Service, issuer: LocalIssuer) -> AsyncIterator[World]:
    async with people_of(service, issuer) as new_person:
        ann = await new_person("ann")
        people = {name: await new_person(name) for name in CALLERS}
        for name in ("member", "former", "blocked", "requested", "declined"):
            await ann.sent("one", people[name])
        for _ in range(MAX_MESSAGES):
            await people["requester"].sent("one", ann)
        left = await people["former"].client.delete(f"/api/message_groups/{ann.group_with(people['former'])}")
        assert left.status_code == 200, left.text
        answer = await ann.client.put(f"/api/users/@{people['blocked'].handle}/block")
        assert answer.status_code == 200, answer.text
        callers = {name: Caller(person, ann.group_with(person)) for name, person in people.items()}
        callers["stranger"] = Caller(people["stranger"], callers["member"].group)
        yield World(ann, callers)


async def put_attribute(service: Service, person: Person, other: Person, name: str, value: str) -> None:
    """Write an attribute as leaving, which comes in a later version, will write it."""
    key = items.inbox_key(person.uuid, person.group_with(other))
    await service.state["table"].update(Update(key, f"SET #{name} = :value", {":value": value}))


async def undecide(service: Service, receiver: Person, requester: Person, *, is_declined: bool = False) -> None:
    """Make a group a request again, of which the receiver has decided nothing, or which that one has declined."""
    key = items.inbox_key(receiver.uuid, receiver.group_with(requester))
    await service.state["table"].update(Update(key, "REMOVE #state", {}))
    await put_attribute(service, receiver, requester, "folder", "requests")
    await put_attribute(service, receiver, requester, "inbox", f"REQUEST#{receiver.uuid}")
    await put_attribute(service, requester, receiver, "awaits", "yes")
    if is_declined:
        await put_attribute(service, receiver, requester, "state", "left")


async def call(
    client: httpx.AsyncClient, row: Row, world: World, caller: Caller, group: UUID | str | None = None
) -> httpx.Response:
    known = {
        "{group}": str(group or caller.group),
        "{handle}": caller.person.handle if row.name == " of oneself" else world.ann.handle,
        "{own_handle}": caller.person.handle,
        "{own_name}": caller.person.display_name,
    }
    path = row.template.replace("{message_group_uuid}", known["{group}"]).replace("{handle}", known["{handle}"])
    path = path.replace("{number}", "1").replace("{emoji}", "👍").replace("{user_uuid}", str(caller.person.uuid))
    text = json.dumps(row.body)
    for name, value in known.items():
        text = text.replace(name, value)
    body = json.loads(text)
    return await client.request(row.method, path, json=body, headers=row.headers, params=row.query)


def routes_of(service: Service) -> set[tuple[str, str]]:
    contexts = [context for context in iter_route_contexts(service.app.routes) if context.path]
    return {
        (method, str(context.path).replace(":digits", ""))
        for context in contexts
        for method in context.methods or {"*"}
    }


def test_the_table_has_every_route(service: Service) -> None:
    assert routes_of(service) == set(ROUTES) | PUBLIC


@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC))
async def test_public_routes_ask_for_no_token(anonymous: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer rubbish"}):
        assert (
            await anonymous.request(method, path.replace(":path", "").format(**PLACES), headers=headers)
        ).status_code == 200


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_each_caller_gets_what_the_table_says(service: Service, world: World, row: Row, who: str) -> None:
    caller = world.callers[who]
    status, code = getattr(row, who)
    if who in {"requested", "declined"}:
        await undecide(service, caller.person, world.ann, is_declined=who == "declined")
    if who == "requester":
        await undecide(service, world.ann, caller.person)
    try:
        answer = await call(caller.person.client, row, world, caller)
        if status == 200:
            assert answer.status_code == 200, answer.text
        else:
            problem_of(answer, status, code)
    finally:
        key, name = items.inbox_key(caller.person.uuid, world.ann.group_with(caller.person)), row.name
        if (who, name) == ("former", " to a person"):  # which brought them back
            await service.state["table"].update(Update(key, "SET #state = :left", {":left": "left"}))
        if name == " is left" and who in {"member", "blocked", "requester"}:
            await service.state["table"].update(Update(key, "REMOVE #state", {}))


@pytest.mark.parametrize("who", CALLERS)
async def test_each_user_has_an_event_stream_until_the_token_expires(
    service: Service, issuer: LocalIssuer, world: World, who: str
) -> None:
    token = issuer.token(world.callers[who].person.sub, time.time() - LIFETIME + 1)
    async with service.client(authorization=f"Bearer {token}") as client:
        answer = await call(client, EVENTS, world, world.callers[who])
    assert answer.status_code == 200
    assert answer.text.startswith('event: resync\ndata: {"type":"resync","reason":"new"}\nretry: ')


@pytest.mark.parametrize("row", [*TABLE, EVENTS], ids=str)
async def test_a_valid_token_without_a_user_is_unknown_user_except_at_registration(
    service: Service, issuer: LocalIssuer, world: World, row: Row
) -> None:
    token = issuer.token(str(uuid4()), time.time())
    async with service.client(authorization=f"Bearer {token}") as client:
        if row.unknown == OK:
            answer = await client.request(
                row.method, row.template, json={"handle": f"n{uuid4().hex[:20]}", "display_name": "N"}
            )
            assert answer.status_code == 200, answer.text
        else:
            problem_of(await call(client, row, world, world.callers["member"]), *row.unknown)


@pytest_asyncio.fixture(scope="module")
async def disabled(world: World, issuer: LocalIssuer, service: Service) -> AsyncIterator[Caller]:
    """A member whose account an operator has disabled."""
    async with people_of(service, issuer) as new_person:
        person = await new_person("disabled")
        await world.ann.sent("one", person)
        store = UserStore(service.state["postgres"])
        assert await store.disable([person.uuid]) == 1
        await service.state["users"].discard_accounts(AccountChanged(person.uuid, (person.sub,)))
        yield Caller(person, world.ann.group_with(person))


@pytest.mark.parametrize("row", [*TABLE, EVENTS], ids=str)
async def test_a_disabled_account_may_do_nothing(world: World, disabled: Caller, row: Row) -> None:
    problem_of(await call(disabled.person.client, row, world, disabled), 403, "account-disabled")


@pytest_asyncio.fixture(scope="module")
async def erased(world: World, issuer: LocalIssuer, service: Service) -> AsyncIterator[Caller]:
    """A former member who is erased."""
    async with people_of(service, issuer) as new_person:
        person = await new_person("erased")
        await world.ann.sent("one", person)
        assert (await person.client.delete("/api/users/me", params={"handle": person.handle})).status_code == 202
        yield Caller(person, world.ann.group_with(person))


@pytest.mark.parametrize("row", [*TABLE, EVENTS], ids=str)
async def test_an_erased_account_may_do_nothing(world: World, erased: Caller, row: Row) -> None:
    problem_of(await call(erased.person.client, row, world, erased), 403, "account-erased")


@pytest.mark.parametrize("who", ["stranger", "former", "declined"])
@pytest.mark.parametrize("row", [row for row in TABLE if row.stranger == row.declined == NO_GROUP], ids=str)
async def test_a_foreign_group_gets_the_same_answer_as_a_missing_group(
    service: Service, world: World, row: Row, who: str
) -> None:
    caller = world.callers[who]
    if who == "declined":
        await undecide(service, caller.person, world.ann, is_declined=True)
    foreign = await call(caller.person.client, row, world, caller)
    unknown = await call(caller.person.client, row, world, caller, uuid4())
    assert anonymised(foreign) == anonymised(unknown)


async def test_lists_show_only_the_callers_own(world: World) -> None:
    stranger, member = world.callers["stranger"].person, world.callers["member"]
    newcomers = {row["uuid"] for row in await stranger.inbox()}
    assert str(member.group) not in newcomers
    direct = [row["uuid"] for row in await member.person.inbox() if row["kind"] == "direct"]
    assert direct == [str(member.group)]
    former = {row["kind"] for row in await world.callers["former"].person.inbox()}
    assert former <= {"group"}, "at most a new one, by a test that may run in another process"


async def test_refused_calls_change_nothing(world: World) -> None:
    """After all tests above, only Ann and the member have written to their group, and the blocked user has not."""
    for name in ("member", "blocked"):
        group = world.callers[name].group
        senders = {message["user_uuid"] for message in await world.ann.get(f"/api/messages/{group}")}
        assert senders <= {str(world.ann.uuid), str(world.callers["member"].person.uuid)}


BAD_HEADERS: dict[str, list[str]] = {
    "no token": [],
    "empty": [""],
    "no scheme": ["{token}"],
    "Basic": ["Basic dXNlcjpwYXNz"],
    "no token after the scheme": ["Bearer"],
    "rubbish": ["Bearer rubbish"],
    "another signature": ["Bearer {token}AA"],
    "two tokens": ["Bearer {token}", "Bearer {token}"],
    "more after the token": ["Bearer {token} x"],
    "bytes": ["Bearer \xff\xfe"],
    "expired": ["Bearer {expired}"],
    "from another pool": ["Bearer {foreign}"],
}


@pytest_asyncio.fixture(scope="module")
async def tokens(settings: Settings, issuer: LocalIssuer, world: World) -> dict[str, str]:
    member = world.callers["member"].person
    elsewhere = settings.model_copy(update={"data_dir": settings.data_dir / "another"})
    other = await asyncio.to_thread(LocalIssuer, elsewhere)
    return {
        "token": member.token,
        "expired": issuer.token(member.sub, time.time() - 7200),
        "foreign": other.token(member.sub, time.time()),
    }


def authorization(kind: str, tokens: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", value.format(**tokens).encode("latin-1")) for value in BAD_HEADERS[kind]]


@pytest.mark.parametrize("kind", BAD_HEADERS)
async def test_without_a_valid_token_all_routes_give_one_answer(
    anonymous: httpx.AsyncClient, world: World, tokens: dict[str, str], kind: str
) -> None:
    answers = []
    for method, template in ROUTES:
        path = template.format_map(
            PLACES | {"message_group_uuid": world.callers["member"].group, "handle": world.ann.handle}
        )
        headers = [*authorization(kind, tokens), (b"content-type", b"application/json")]
        answers.append(await anonymous.request(method, path, headers=headers, content=b"{}"))
    for answer in answers:
        problem_of(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert all(anonymised(answer) == anonymised(answers[0]) for answer in answers)


async def test_a_token_over_the_limit_is_told_the_limit(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/api/users/me", headers={"authorization": "Bearer " + "x" * 9000})
    problem = problem_of(answer, 401, "unauthenticated")
    assert "more than 8192 characters" in problem["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"


WRONG_IN_OTHER_WAYS: dict[str, dict[str, Any]] = {
    "malformed body": {"content": b'{"a":1,"a":', "headers": {"content-type": "application/json"}},
    "oversized body": {"content": b" " * (MAX_BODY_BYTES + 1), "headers": {"content-type": "application/json"}},
    "announced oversized body": {"headers": {"content-type": "application/json", "content-length": "99999999"}},
    "wrong content type": {"content": b"<x/>", "headers": {"content-type": "text/xml"}},
    "repeated query parameter": {"params": [("limit", "1"), ("limit", "1")]},
    "wrong query parameter": {"params": {"limit": "x", "cursor": "\0", "q": "\ud7ff" * 100}},
}


@pytest.mark.parametrize("wrong", WRONG_IN_OTHER_WAYS)
@pytest.mark.parametrize(("method", "template"), ROUTES)
async def test_401_comes_before_anything_else(
    anonymous: httpx.AsyncClient, method: str, template: str, wrong: str
) -> None:
    for group, handle in ((str(uuid4()), "somebody"), ("no-uuid", "%00%FF")):
        path = template.format_map(PLACES | {"message_group_uuid": group, "handle": handle})
        problem_of(await anonymous.request(method, path, **WRONG_IN_OTHER_WAYS[wrong]), 401, "unauthenticated")


@pytest.mark.parametrize("template", sorted({template for _, template in ROUTES}))
async def test_401_comes_before_405(anonymous: httpx.AsyncClient, template: str) -> None:
    path = template.format_map(PLACES | {"message_group_uuid": uuid4(), "handle": "somebody"})
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"):
        problem_of(await anonymous.request(method, path), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "template"), [route for route in ROUTES if route[0] != "GET"])
async def test_the_body_of_an_unauthenticated_request_is_not_read(
    anonymous: httpx.AsyncClient, method: str, template: str
) -> None:
    was_read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal was_read
        was_read = True
        yield json.dumps({"message": "x"}).encode()

    path = template.format_map(PLACES | {"message_group_uuid": uuid4(), "handle": "x"})
    answer = await anonymous.request(method, path, content=body(), headers={"content-type": "application/json"})
    problem_of(answer, 401, "unauthenticated")
    assert not was_read


@pytest.mark.parametrize("place", ["query", "cookie", "body", "proxy header"])
async def test_a_token_outside_of_the_header_is_ignored(anonymous: httpx.AsyncClient, world: World, place: str) -> None:
    token = world.ann.token
    requests: dict[str, Any] = {
        "query": {"params": {"access_token": token, "authorization": f"Bearer {token}"}},
        "cookie": {"headers": {"cookie": f"access_token={token}; authorization=Bearer {token}"}},
        "body": {"json": {"access_token": token}},
        "proxy header": {"headers": {"proxy-authorization": f"Bearer {token}", "x-access-token": token}},
    }
    problem_of(await anonymous.request("GET", "/api/users/me", **requests[place]), 401, "unauthenticated")
