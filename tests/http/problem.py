"""Assertions about refusals: the answer is the expected problem document and contains nothing more."""

from typing import Any

import httpx

from tests.fixtures.app import Person

CANARY = "canary-7f3e"
"""A text that is sent, and that no refusal may repeat."""
GROUP = "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"
"""The id of a group that does not exist."""
MEMBERS = {"type", "title", "status", "detail", "code", "instance"}
TYPE = "urn:cruddur-messages:problem:"


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, which must be complete and agree with the head."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, TYPE + code)
    assert problem["instance"] == answer.headers["x-request-id"]
    assert set(problem) == (MEMBERS | {"errors"} if status == 422 else MEMBERS)
    assert problem["title"]
    assert problem["detail"]
    for defect in problem.get("errors", ()):
        assert {"code", "detail"} <= set(defect) <= {"code", "detail", "pointer", "parameter"}
    return problem


async def refused_send(person: Person, status: int, code: str, **body: Any) -> dict[str, Any]:
    return problem_of(await person.client.post("/api/messages", json=body), status, code)


def anonymised(answer: httpx.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    """All that a caller can tell answers apart by, but for what tells of the request itself."""
    own = ("x-request-id", "ratelimit")  # how many calls are left
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.status_code, {**answer.json(), "instance": ""}, headers
