"""The old front end's calls in a visit: their order, headers and bodies, and its use of the answers.

It runs in a browser on another origin, treats exactly 200 with JSON as success, takes the fields named here and ignores
all others, puts a sent message behind those that it has, and goes where the answer's `message_group_uuid` leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.fixtures.app import Person, Service

ORIGIN = "https://app.example.com"
GROUP = {"uuid", "display_name", "handle", "message", "created_at"}
MESSAGE = {"uuid", "display_name", "handle", "message", "created_at"}
SHORT = {"uuid", "handle", "display_name"}


@dataclass
class OldFrontEnd:
    """Fetches as the pages do."""

    client: httpx.AsyncClient
    token: str

    async def get(self, path: str) -> Any:
        return await self._fetch("GET", path, {"authorization": f"Bearer {self.token}"})

    async def post(self, path: str, body: Mapping[str, str]) -> Any:
        headers = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/json",
            "content-type": "application/json",
        }
        await self._preflight("POST", path)
        return await self._fetch("POST", path, headers, json=body)

    async def _fetch(self, method: str, path: str, headers: Mapping[str, str], **options: Any) -> Any:
        answer = await self.client.request(method, path, headers={"origin": ORIGIN, **headers}, **options)
        assert answer.status_code == 200, answer.text
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        return answer.json()

    async def _preflight(self, method: str, path: str) -> None:
        asked = {
            "access-control-request-method": method,
            "access-control-request-headers": "authorization,content-type",
        }
        answer = await self.client.request("OPTIONS", path, headers={"origin": ORIGIN, **asked})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert method in answer.headers["access-control-allow-methods"]
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert all(header in allowed for header in ("authorization", "content-type"))


def shown(things: list[dict[str, Any]], fields: set[str]) -> list[dict[str, Any]]:
    """Return the fields that the pages use of a list; each must be text."""
    taken = [{name: thing[name] for name in fields} for thing in things]
    assert all(isinstance(value, str) for thing in taken for value in thing.values())
    return taken


async def test_the_calls_of_the_old_front_end_succeed(service: Service, ann: Person, bob: Person, eve: Person) -> None:
    await bob.sent("Are you there?", ann)
    async with service.client() as client:
        pages = OldFrontEnd(client, ann.token)
        assert await pages.get("/api/health-check") == {"success": True, "ver": 1}

        # /messages: the groups, newest activity first
        (group,) = shown(await pages.get("/api/message_groups"), GROUP)
        assert (group["display_name"], group["handle"]) == ("Bob", bob.handle)
        assert group["message"] == "Are you there?"

        # /messages/<uuid>: its messages, and a new message from the form below them
        path = f"/api/messages/{group['uuid']}"
        messages = shown(await pages.get(path), MESSAGE)
        sent = await pages.post("/api/messages", {"message": "I am", "message_group_uuid": group["uuid"]})
        messages += shown([sent], MESSAGE)
        assert [(each["handle"], each["message"]) for each in messages] == [
            (bob.handle, "Are you there?"),
            (ann.handle, "I am"),
        ]
        assert shown(await pages.get(path), MESSAGE) == messages

        # /messages/new/<handle>: the receiver, then the first message, which leads to the new group
        (peer,) = shown([await pages.get(f"/api/users/@{eve.handle}/short")], SHORT)
        assert peer["display_name"] == "Eve"
        first = await pages.post("/api/messages", {"message": "Hello Eve", "handle": eve.handle})
        new = shown(await pages.get(f"/api/messages/{first['message_group_uuid']}"), MESSAGE)
        assert [each["message"] for each in new] == ["Hello Eve"]
        groups = shown(await pages.get("/api/message_groups"), GROUP)
        assert [each["handle"] for each in groups] == [eve.handle, bob.handle]

        # the badge that its last week had planned
        assert await pages.get("/api/messages/counter") == {"count": 0, "is_complete": True, "request_count": 0}
