"""Presence over two server processes: seen by peers that share it, and by no other user, until it is withdrawn."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.fixtures.app import Person
from tests.realtime.conftest import Live
from tests.tools.command import cruddur
from tests.tools.servers import environment

PATIENCE = 20


async def share(live: Live, *people: Person, presence: bool = True, server: int = 0) -> None:
    for person in people:
        path = "/api/users/me/settings"
        changed = await live.call(person, "PATCH", path, server=server, json={"presence": presence})
        assert changed["presence"] is presence


async def seen(live: Live, viewer: Person, *, server: int = 1) -> dict[str, Any]:
    """Whether the users that a viewer sees are online."""
    listed = await live.call(viewer, "GET", "/api/users/presence", server=server)
    return {each["user_uuid"]: each["is_online"] for each in listed}


async def until_seen(live: Live, viewer: Person, expected: dict[str, bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await seen(live, viewer) != expected:  # noqa: ASYNC110  # an answer, not an event
            await asyncio.sleep(0.1)


async def test_peers_see_one_another_over_processes(live: Live, ann: Person, bob: Person, eve: Person) -> None:
    await live.send(ann, bob)
    await share(live, ann, eve)
    async with live.listener(ann).listening() as of_ann, live.listener(eve).listening() as of_eve:
        async with live.listener(bob, server=1).listening():
            assert await seen(live, ann) == {}
            await share(live, bob)  # on the server that does not have the stream
            told = await of_ann.until_told("presence", user_uuid=str(bob.uuid), is_online=True)
            assert told["last_seen_at"] is None
            assert await seen(live, ann) == {str(bob.uuid): True}
            assert await seen(live, bob) == {str(ann.uuid): True}
        assert await seen(live, ann) == {str(bob.uuid): True}, "for half a minute"
        await share(live, bob, presence=False)
        await of_ann.until_told("presence", user_uuid=str(bob.uuid), is_online=False)
        assert await seen(live, ann) == await seen(live, bob) == {}
        await share(live, bob)
        assert await seen(live, bob) == {str(ann.uuid): True}
        assert await seen(live, ann) == {}, "who has not been there since then is not known"
        assert not of_eve.of("presence")
        assert await seen(live, eve) == {}


@pytest.mark.parametrize("end", ["block", "erasure", "suspension"])
async def test_it_ends_at_once(live: Live, ann: Person, bob: Person, end: str) -> None:
    await live.send(ann, bob)
    await share(live, ann, bob)
    async with live.listener(ann).listening() as of_ann, live.listener(bob, server=1).listening():
        await until_seen(live, ann, {str(bob.uuid): True})
        if end == "block":
            await live.call(ann, "PUT", f"/api/users/@{bob.handle}/block", server=1)
            assert await seen(live, ann) == await seen(live, bob) == {}
        elif end == "erasure":
            headers, address = {"authorization": f"Bearer {bob.token}"}, live.servers[1].address
            async with httpx.AsyncClient(headers=headers, base_url=address, trust_env=False, timeout=60) as client:
                answer = await client.delete("/api/users/me", params={"handle": bob.handle})
            assert answer.status_code == 202, answer.text
            assert await seen(live, ann) == {}
        else:
            done = await cruddur("users", "disable", bob.handle, env=environment(live.servers[0].settings))
            assert done.code == 0, done.err
            await until_seen(live, ann, {})
        told = await of_ann.until_told("presence", user_uuid=str(bob.uuid), is_online=False)
        assert told["last_seen_at"] is None
