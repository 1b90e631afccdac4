"""The export of one's own data: whole, in the caller's view, bounded, and recognisable when it is not whole."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.errors import Unavailable
from app.messaging.windows import Window
from app.users.models import User
from app.users.store import UserStore
from tests.contract.tools import DOCUMENT
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_groups import create
from tests.tools.contract import Contract

THUMB = "👍"


async def exported(person: Person) -> list[dict[str, Any]]:
    answer = await person.client.get("/api/users/me/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.text.endswith("\n")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    contract = Contract.of(json.loads(DOCUMENT.read_bytes()))
    assert [error.message for line in lines for error in contract.errors("/components/schemas/ExportLine", line)] == []
    return lines


async def user_of(service: Service, person: Person) -> User:
    (user,) = await UserStore(service.state["postgres"]).by_uuids([person.uuid])
    return user


async def no_turn() -> None:
    """Wait for nothing."""


async def test_an_export_has_what_the_lists_have(ann: Person, bob: Person, new_person: Any) -> None:
    cleo, group = await new_person("cleo"), ann.group_with(bob)
    for number in range(1, 131):
        await ann.sent(f"message {number}\u2028", bob)
    edit = await ann.client.patch(f"/api/messages/{group}/3", json={"message": "3"}, headers={"if-match": '"1"'})
    assert edit.status_code == 200
    await bob.client.put(f"/api/messages/{group}/2/reactions/{THUMB}")
    await ann.client.delete(f"/api/messages/{group}/4")
    await cleo.sent("hello", ann)
    profile, *lines, end = await exported(ann)
    assert profile["type"] == "profile"
    assert profile["user"] == await ann.get("/api/users/me")
    groups = [line["group"] for line in lines if line["type"] == "group"]
    assert groups == sorted(await ann.inbox(), key=lambda each: str(each["uuid"]))
    messages = [line["message"] for line in lines if line["type"] == "message"]
    first = await ann.get(f"/api/messages/{group}", before=101, limit=100)
    second = await ann.get(f"/api/messages/{group}", after=100, limit=100)
    newest = await ann.get(f"/api/messages/{ann.group_with(cleo)}")
    assert messages == (newest + first + second if ann.group_with(cleo) < group else first + second + newest)
    (edits,) = [line for line in lines if line["type"] == "edits"]
    assert (edits["number"], [each["message"] for each in edits["edits"]]) == (3, ["message 3\u2028"])
    assert end == {"type": "end", "groups": 2, "messages": 131, "edits": 1}
    markers = {line["group"]["uuid"]: line["read_markers"] for line in lines if line["type"] == "group"}
    assert {each["user_uuid"]: each["number"] for each in markers[str(group)]} == {str(ann.uuid): 130, str(bob.uuid): 0}


async def test_an_export_without_groups_is_whole(ann: Person) -> None:
    assert [line["type"] for line in await exported(ann)] == ["profile", "end"]


async def test_an_export_ends_with_the_problem_of_a_dependency(
    service: Service, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = ann.group_with(bob)
    for number in range(1, 103):
        await ann.sent(f"{number}", bob)
    messaging = service.state["messaging"]
    history = messaging.history

    async def fail_later(user: UUID, group: UUID, window: Window) -> Any:
        if window.first and window.first > 1:
            raise Unavailable("DynamoDB does not answer")
        return await history(user, group, window)

    monkeypatch.setattr(messaging, "history", fail_later)
    *lines, last = await exported(ann)
    assert last == {"type": "problem", "status": 503, "code": "unavailable", "detail": "DynamoDB does not answer"}
    assert [line["message"]["number"] for line in lines if line["type"] == "message"] == list(range(1, 101))
    assert {line["message"]["message_group_uuid"] for line in lines if line["type"] == "message"} == {str(group)}


async def test_a_user_has_one_export_at_a_time(service: Service, ann: Person, bob: Person) -> None:
    with service.state["export"].running(ann.uuid):
        problem_of(await ann.client.get("/api/users/me/export"), 429, "export-running")
        assert (await exported(bob))[-1]["type"] == "end"
    assert (await exported(ann))[-1]["type"] == "end"


async def test_nothing_is_read_ahead_of_the_reader(service: Service, ann: Person, bob: Person) -> None:
    """Between two lines no page is read: a reader that does not read costs nothing."""
    for number in range(3):
        await ann.sent(f"{number}", bob)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        turns += 1

    lines = service.state["export"].lines(await user_of(service, ann), turn)
    assert (await anext(lines)).type == "profile"
    assert turns == 0
    assert (await anext(lines)).type == "group"
    assert turns == 2
    await lines.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_groups_that_move_to_the_front_meanwhile_are_exported_once(
    service: Service, ann: Person, new_person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.personal_data.export.PAGE", 2)
    peers = [await new_person(f"peer{number}") for number in range(6)]
    for peer in peers:
        await ann.sent("one", peer)
    found = []
    async for line in service.state["export"].lines(await user_of(service, ann), no_turn):
        if line.type == "group":
            found.append(line.group.uuid)
            await ann.sent("two", peers[0])  # the oldest, which no later page has any more
    assert sorted(found) == sorted(ann.group_with(peer) for peer in peers)


async def test_an_erased_user_has_no_export(ann: Person, bob: Person) -> None:
    """Also one that runs ends: each page asks whether the account may still read."""
    await ann.sent("one", bob)
    assert (await ann.client.delete("/api/users/me", params={"handle": ann.handle})).status_code == 202
    problem_of(await ann.client.get("/api/users/me/export"), 403, "account-erased")


async def test_an_export_that_is_left_makes_room_for_the_next(service: Service, ann: Person) -> None:
    async def leave() -> None:
        async with service.client(authorization=f"Bearer {ann.token}") as client:
            with pytest.raises((TimeoutError, httpx.HTTPError)):
                async with asyncio.timeout(0):
                    await client.get("/api/users/me/export")

    await leave()
    await asyncio.sleep(0)
    assert (await exported(ann))[-1]["type"] == "end"


async def test_an_export_has_groups_with_their_members(ann: Person, bob: Person, new_person: Any) -> None:
    cleo = await new_person("cleo")
    group = await create(bob, ann, cleo, title="Allotment")
    await cleo.sent("hello @ann", group["uuid"], mentions=[str(ann.uuid)])
    await bob.client.delete(f"/api/message_groups/{group['uuid']}/members/{cleo.uuid}")
    _, line, *lines, end = await exported(ann)
    assert (line["group"]["display_name"], line["group"]["role"], end["groups"]) == ("Allotment", "member", 1)
    assert line["members"] == await ann.get(f"/api/message_groups/{group['uuid']}/members")
    assert {each["handle"] for each in line["members"]} == {bob.handle, ann.handle}
    messages = [each["message"] for each in lines]
    assert messages == await ann.get(f"/api/messages/{group['uuid']}")
    assert [each["event"] and each["event"]["type"] for each in messages] == ["created", None, "removed"]
    assert [each["type"] for each in await exported(cleo)] == ["profile", "end"], "a former member reads nothing"
