"""Access to a group of several members by each of its callers. A route about a group that is missing here fails."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from app.auth.issuer import LocalIssuer
from tests.fixtures.app import Person, Service, people_of
from tests.http.problem import problem_of
from tests.http.test_access import NO_GROUP, NOT_SENDER, OK, Outcome, routes_of

CALLERS = ("stranger", "former", "member", "admin", "owner")
NOT_MANAGER = 403, "not-manager"
NOT_OWNER = 403, "not-owner"
DELETED = 409, "message-deleted"
GROUP = "/api/message_groups/{message_group_uuid}"
MESSAGE = "/api/messages/{message_group_uuid}/{number}"


@dataclass(frozen=True)
class Row:
    """A call about the group, and the outcome of each of its members; others are told that there is no such group."""

    method: str
    template: str
    body: dict[str, Any] | None = None
    member: Outcome = OK
    admin: Outcome = OK
    owner: Outcome = OK
    headers: tuple[tuple[str, str], ...] = ()
    other: Outcome = NO_GROUP
    """The outcome of strangers and former members, which are told the same."""

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


TABLE = (
    Row("GET", GROUP),
    Row("PATCH", GROUP, {"title": "Same"}, member=NOT_MANAGER),
    Row("GET", f"{GROUP}/members"),
    Row("POST", f"{GROUP}/members", {"handles": ["{target}"]}, member=NOT_MANAGER),
    Row("PATCH", f"{GROUP}/members/{{user_uuid}}", {"role": "admin"}, member=NOT_OWNER, admin=NOT_OWNER),
    Row("DELETE", f"{GROUP}/members/{{user_uuid}}", member=NOT_MANAGER, admin=NOT_OWNER),
    Row("PUT", f"{GROUP}/read", {"number": 1}),
    Row("GET", f"{GROUP}/read"),
    Row("PUT", f"{GROUP}/delivered", {"number": 1}),
    Row("PATCH", f"{GROUP}/view", {"is_marked_unread": False}),
    Row("PUT", f"{GROUP}/accept"),
    Row("PUT", f"{GROUP}/decline"),
    Row("POST", f"{GROUP}/typing"),
    Row("DELETE", f"{GROUP}/typing"),
    Row("GET", "/api/messages/{message_group_uuid}"),
    Row("GET", "/api/messages/{message_group_uuid}/changes"),
    Row("GET", MESSAGE),
    Row("PATCH", MESSAGE, {"message": "hi"}, NOT_SENDER, NOT_SENDER, headers=(("if-match", '"1"'),)),
    Row("DELETE", MESSAGE, None, NOT_SENDER, NOT_SENDER),
    Row("GET", f"{MESSAGE}/edits"),
    Row("GET", f"{MESSAGE}/reactions"),
    Row("PUT", f"{MESSAGE}/reactions/{{emoji}}", None, DELETED, DELETED, DELETED),
    Row("DELETE", f"{MESSAGE}/reactions/{{emoji}}"),
    Row("GET", f"{MESSAGE}/receipts"),
    Row("POST", "/api/messages", {"message": "hi", "message_group_uuid": "{group}"}),
    Row(
        "POST",
        "/api/reports",
        {"message_group_uuid": "{group}", "number": 2, "reason": "spam"},
        owner=(422, "report-of-self"),
    ),
    Row("DELETE", GROUP),
)
"""In this order: the owner deletes the message that others react to afterwards, and all leave at the end."""


@dataclass(frozen=True)
class World:
    """A group, its callers, and an admin that calls are about."""

    group: str
    callers: dict[str, Person]
    target: Person


@pytest_asyncio.fixture(scope="module")
async def world(service: Service, issuer: LocalIssuer) -> AsyncIterator[World]:
    async with people_of(service, issuer) as new_person:
        people = {name: await new_person("caller") for name in (*CALLERS, "target")}
        owner = people["owner"]
        handles = [people[name].handle for name in ("former", "member", "admin", "target")]
        answer = await owner.client.post("/api/message_groups", json={"title": "Same", "handles": handles})
        group = answer.json()["uuid"]
        for name in ("admin", "target"):
            await owner.client.patch(f"/api/message_groups/{group}/members/{people[name].uuid}", json={"role": "admin"})
        await owner.client.delete(f"/api/message_groups/{group}/members/{people['former'].uuid}")
        end = (await owner.sent("about", group))["number"]
        assert end == 5
        yield World(group, people, people["target"])


def test_the_table_has_every_route_about_a_group(service: Service) -> None:
    about = {route for route in routes_of(service) if "{message_group_uuid}" in route[1] and "/api/" in route[1]}
    assert about == {(row.method, row.template) for row in TABLE} - {
        ("POST", "/api/messages"),
        ("POST", "/api/reports"),
    }


async def test_each_caller_gets_what_the_table_says(world: World) -> None:
    for row in TABLE:
        for who in CALLERS:
            person = world.callers[who]
            status, code = row.other if who in {"stranger", "former"} else getattr(row, who)
            places = {"message_group_uuid": world.group, "number": "5", "emoji": "👍", "user_uuid": world.target.uuid}
            known = {"{group}": world.group, "{target}": [world.target.handle]}
            body = row.body and {
                name: known.get(value[0] if isinstance(value, list) else str(value), value)
                for name, value in row.body.items()
            }
            answer = await person.client.request(
                row.method, row.template.format(**places), json=body, headers=dict(row.headers)
            )
            if status == 200:
                assert answer.status_code == 200, (str(row), who, answer.text)
            else:
                problem_of(answer, status, code)
