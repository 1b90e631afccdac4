"""Live events over HTTP: streams on one server of what happens on another."""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from app.auth.issuer import LIFETIME, LocalIssuer
from app.auth.tokens import Claims
from app.errors import Unauthenticated
from app.gateways.dynamodb import Update
from app.http.routes import MAX_BODY_BYTES
from app.messaging import items
from app.messaging.catchup import GROUPS
from app.messaging.clock import now
from app.messaging.models import LAST_NUMBER, Message
from app.messaging.schemas import MAX_VERSION
from app.realtime.schemas import SyncCreate
from tests.fixtures.app import Person, Service
from tests.realtime.conftest import Live
from tests.tools.listener import sse
from tests.tools.stored import new_inbox_row


async def test_a_message_reaches_both_with_their_own_view(live: Live, ann: Person, bob: Person) -> None:
    async with live.listener(ann).listening() as of_ann, live.listener(bob).listening() as of_bob:
        first = await live.send(ann, bob, "one")
        await live.send(ann, bob, "two")
        told = await of_bob.until_told("message", message=first)
        assert (told["group"]["unread_count"], told["group"]["display_name"]) == (1, "Ann")
        assert told["group"]["version"] == 1
        await of_bob.until(lambda: of_bob.told == {first["message_group_uuid"]: [1, 2]})
        own = await of_ann.until_told("message", message=first)
        assert (own["group"]["unread_count"], own["group"]["display_name"]) == (0, "Bob")
    assert of_ann.resyncs == of_bob.resyncs == ["new"]


async def test_events_survive_clients_that_read_more_line_ends_than_the_format_has(
    live: Live, ann: Person, bob: Person
) -> None:
    """HTTPX ends lines where Python does."""
    async with live.listener(bob).listening() as of_bob:
        for text in ("a\u2028b\u2029c\u0085d", "a\rb\n\nc\x0b\x0c\x1c\x1d\x1e", "\\u2028"):
            sent = await live.send(ann, bob, text)
            assert sent["message"] == text
            await of_bob.until_told("message", message=sent)


async def test_a_read_marker_reaches_the_users_other_devices_and_the_peer(live: Live, ann: Person, bob: Person) -> None:
    group = (await live.send(ann, bob))["message_group_uuid"]
    async with live.listener(ann).listening() as of_ann, live.listener(bob).listening() as of_bob:
        view = await live.call(bob, "PUT", f"/api/message_groups/{group}/read", json={"number": 1})
        read = {"message_group_uuid": group, "user_uuid": str(bob.uuid), "number": 1}
        await of_ann.until_told("read", **read)
        await of_bob.until_told("read", **read)
        await of_bob.until_told("group", group=view)
    assert not of_ann.of("group")


async def test_typing_reaches_the_peer_alone(live: Live, ann: Person, bob: Person, eve: Person) -> None:
    group = (await live.send(ann, bob))["message_group_uuid"]
    async with (
        live.listener(ann).listening() as of_ann,
        live.listener(bob).listening() as of_bob,
        live.listener(eve).listening() as of_eve,
    ):
        assert await live.call(ann, "POST", f"/api/message_groups/{group}/typing") == {"expires_in": 15}
        typing = {"message_group_uuid": group, "user_uuid": str(ann.uuid)}
        await of_bob.until_told("typing", **typing, is_typing=True)
        assert await live.call(ann, "DELETE", f"/api/message_groups/{group}/typing") == {"expires_in": 0}
        await of_bob.until_told("typing", **typing, is_typing=False)
    assert not of_ann.of("typing")
    assert [event["type"] for event in of_eve.events] == ["resync"]


async def test_a_flood_of_typing_and_markers_leaves_the_peers_stream_alone(
    live: Live, ann: Person, bob: Person, eve: Person
) -> None:
    """Ann calls both servers as fast as they answer. Bob's stream goes on, and Eve's message comes in between."""
    for text in ("one", "two", "three"):
        group = (await live.send(bob, ann, text))["message_group_uuid"]
    async with live.listener(bob).listening() as of_bob:
        began = time.monotonic()
        flood = [asyncio.ensure_future(flooded(live, ann, group, server=number % 2)) for number in range(8)]
        await asyncio.sleep(0.2)
        sent = await live.send(eve, bob, "in between")
        await of_bob.until_told("message", message=sent)
        await asyncio.gather(*flood)
        await of_bob.until_told("read", user_uuid=str(ann.uuid), number=3)
    assert of_bob.resyncs == ["new"]
    assert 1 <= len(of_bob.of("typing")) <= 2 * (2 + (time.monotonic() - began) / 3), "one in 3 s of each server"


async def flooded(live: Live, person: Person, group: str, *, server: int) -> None:
    headers = {"authorization": f"Bearer {person.token}"}
    address = f"{live.servers[server].address}/api/message_groups/{group}"
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as client:
        for number in range(25):
            await client.request("POST" if number % 2 else "DELETE", f"{address}/typing")
            await client.put(f"{address}/read", json={"number": 1 + number % 3})


async def test_membership_is_checked_for_each_event(live: Live, service: Service, ann: Person, bob: Person) -> None:
    group = (await live.send(ann, bob))["message_group_uuid"]
    row = items.inbox_key(bob.uuid, ann.group_with(bob))
    async with live.listener(bob).listening() as of_bob:
        await service.state["table"].update(Update(row, "SET #state = :value", {":value": "left"}))
        await live.call(ann, "POST", f"/api/message_groups/{group}/typing")
        await live.call(ann, "PUT", f"/api/message_groups/{group}/read", json={"number": 1})
        await live.send(ann, bob, "come back")  # a message makes the user an active member again
        await of_bob.until(lambda: of_bob.told)
    assert [event["type"] for event in of_bob.events] == ["resync", "message"]


async def test_a_stream_resumes_after_its_last_position(live: Live, ann: Person, bob: Person) -> None:
    listener = live.roaming(bob)
    async with listener.listening():
        sent = await live.send(ann, bob, "one")
        await listener.until(lambda: listener.position)
    group = sent["message_group_uuid"]
    await live.send(ann, bob, "two")
    await live.send(ann, bob, "three")
    await live.call(bob, "PUT", f"/api/message_groups/{group}/read", json={"number": 3}, server=0)
    before = len(listener.events)
    listener.connections += 1
    async with listener.listening():
        await listener.until(lambda: len(listener.told[group]) == 3)
        await listener.until_told("read", message_group_uuid=group, user_uuid=str(bob.uuid), number=3)
    assert listener.told[group] == [1, 2, 3]
    assert listener.resyncs == ["new"]
    assert "resync" not in {event["type"] for event in listener.events[before:]}


@pytest.mark.parametrize("position", ["1795512600123-0", "1-1", "deadbeef-12", "99999999999999999999-1", "0", "-"])
async def test_a_stream_after_an_unknown_position_begins_with_resync(live: Live, ann: Person, position: str) -> None:
    listener = live.listener(ann)
    listener.position = position
    async with listener.listening():
        assert listener.resyncs == ["expired"]


async def test_a_user_has_at_most_ten_streams(live: Live, ann: Person) -> None:
    async with httpx.AsyncClient(
        headers={"authorization": f"Bearer {ann.token}"}, trust_env=False, timeout=60
    ) as client:
        url = f"{live.servers[0].address}/api/events"
        streams = [await client.send(client.build_request("GET", url), stream=True) for _ in range(10)]
        assert {stream.status_code for stream in streams} == {200}
        refused = await client.get(url)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
        assert int(refused.headers["retry-after"]) > 0
        await streams.pop().aclose()
        async with asyncio.timeout(5):
            while (again := await client.send(client.build_request("GET", url), stream=True)).status_code == 429:
                await again.aclose()
        for stream in (*streams, again):
            await stream.aclose()


async def test_a_stream_ends_with_its_token(live: Live, issuer: LocalIssuer, ann: Person) -> None:
    expires_at = int(time.time()) + 3
    token = issuer.token(ann.sub, expires_at - LIFETIME)
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=60) as client:
        answer = await client.get(f"{live.servers[0].address}/api/events")
        assert answer.status_code == 200
        assert -0.1 < time.time() - expires_at < 2


async def test_a_stream_ends_when_its_token_is_refused_before_it_expires(
    service: Service, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a withdrawal of the token's key."""
    verifier, checked = service.state["verifier"], 0
    verify = verifier.verify

    async def refuse_later(authorization: Sequence[str]) -> Claims:
        nonlocal checked
        checked += 1
        if checked > 3:
            raise Unauthenticated
        return await verify(authorization)

    monkeypatch.setattr("app.auth.tokens.CHECK_INTERVAL", 0.1)
    monkeypatch.setattr(verifier, "verify", refuse_later)
    async with asyncio.timeout(10):
        answer = await ann.client.get("/api/events")
    assert (answer.status_code, checked) == (200, 4)


async def test_a_stream_is_not_buffered_and_begins_with_a_retry_time(live: Live, ann: Person) -> None:
    async with (
        httpx.AsyncClient(headers={"authorization": f"Bearer {ann.token}"}, trust_env=False, timeout=60) as client,
        client.stream("GET", f"{live.servers[0].address}/api/events") as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-request-id"]
        async for fields in sse(response):
            assert fields.keys() == {"event", "data", "retry"}
            assert 500 <= int(fields["retry"]) <= 3000
            break


async def test_messages_that_the_bus_never_had_are_read_from_the_log(
    live: Live, service: Service, ann: Person, bob: Person
) -> None:
    """The bus of this process does not reach the servers: their streams have to find the gap."""
    group = (await live.send(ann, bob))["message_group_uuid"]
    async with live.listener(bob).listening() as of_bob:
        for text in ("two", "three"):
            await ann.sent(text, bob)
        await live.send(ann, bob, "four")
        await of_bob.until(lambda: len(of_bob.told[group]) == 3)
    assert of_bob.told[group] == [2, 3, 4]
    del service


async def test_a_sync_answers_with_the_changes_the_client_does_not_have(
    live: Live, ann: Person, bob: Person, eve: Person
) -> None:
    with_bob = (await live.send(ann, bob))["message_group_uuid"]
    with_eve = (await live.send(eve, ann))["message_group_uuid"]
    everything = await live.call(ann, "POST", "/api/sync", json={"groups": {}})
    assert [group["uuid"] for group in everything["groups"]] == [with_eve, with_bob]
    assert (everything["messages"], everything["gone"]) == ([], [])
    known = {group["uuid"]: {"number": 1, "version": group["version"]} for group in everything["groups"]}
    assert await live.call(ann, "POST", "/api/sync", json={"groups": known}) == {
        "groups": [],
        "messages": [],
        "changes": [],
        "gone": [],
    }
    await live.send(bob, ann, "two")
    stranger = str(uuid4())
    changes = await live.call(
        ann, "POST", "/api/sync", json={"groups": known | {stranger: {"number": 4, "version": 2}}}
    )
    assert [(group["uuid"], group["last_number"]) for group in changes["groups"]] == [(with_bob, 2)]
    assert [message["message"] for message in changes["messages"]] == ["two"]
    assert changes["gone"] == [stranger]


async def test_a_sync_holds_at_most_a_hundred_messages(live: Live, ann: Person, bob: Person) -> None:
    for _ in range(120):
        group = (await ann.sent("hi", bob))["message_group_uuid"]
    changes = await live.call(bob, "POST", "/api/sync", json={"groups": {group: {"number": 5, "version": 1}}})
    assert [message["number"] for message in changes["messages"]] == list(range(6, 106))
    assert changes["groups"][0]["last_number"] == 120


def test_the_most_groups_of_a_sync_fit_into_a_body() -> None:
    groups = {str(uuid4()): {"number": LAST_NUMBER, "version": MAX_VERSION} for _ in range(GROUPS)}
    body = json.dumps({"groups": groups})
    SyncCreate.model_validate_json(body)
    assert len(body) <= MAX_BODY_BYTES


async def test_a_sync_of_a_large_inbox_holds_the_newest_and_the_named_groups(
    live: Live, service: Service, ann: Person
) -> None:
    messages = [Message(uuid4(), 1, uuid4(), uuid4(), "hi", now() - timedelta(hours=n)) for n in range(GROUPS + 30)]
    for message in messages:
        await service.state["table"].put(new_inbox_row(message, user=ann.uuid, peer=message.user_uuid))
    uuids = [str(message.group_uuid) for message in messages]
    first = await live.call(ann, "POST", "/api/sync", json={"groups": {}})
    assert [group["uuid"] for group in first["groups"]] == uuids[:GROUPS]
    known = {uuid: {"number": 1, "version": 1} for uuid in uuids[:GROUPS]}
    assert (await live.call(ann, "POST", "/api/sync", json={"groups": known}))["groups"] == []
    older = {uuids[-1]: {"number": 1, "version": 7}, uuids[0]: {"number": 1, "version": 1}}
    named = await live.call(ann, "POST", "/api/sync", json={"groups": older})
    assert [group["uuid"] for group in named["groups"]] == [*uuids[1:GROUPS], uuids[-1]]
    assert named["gone"] == []


async def test_a_hidden_message_vanishes_from_the_users_other_devices_and_the_peer_is_told_nothing(
    live: Live, ann: Person, bob: Person
) -> None:
    sent = await live.send(ann, bob, "the secret")
    group = sent["message_group_uuid"]
    async with live.listener(ann).listening() as of_ann, live.listener(bob).listening() as of_bob:
        place = f"/api/messages/{group}/1"
        await live.call(bob, "DELETE", f"{place}?for=me")
        view = await live.call(bob, "GET", f"/api/message_groups/{group}")
        assert (view["hidden"], view["message"]) == ([1], "")
        await of_bob.until_told("group", group=view)
        await live.call(ann, "PUT", f"{place}/reactions/%F0%9F%91%8D")
        told = await of_bob.until_told("change")
        assert (told["group"]["message"], told["group"]["hidden"]) == ("", [1])
        await of_ann.until_told("change")
    assert not of_ann.of("group")
    assert "the secret" not in str(of_bob.events)
