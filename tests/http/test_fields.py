"""Every member of a body has one type: another one, an unknown or a read-only member is 422, and told by its place."""

import json
from typing import Any

import pytest

from tests.fixtures.app import Person
from tests.http.problem import CANARY, GROUP, problem_of, refused_send

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
