"""A user without receipts neither sends nor gets markers: live, in lists, and when a stream resumes."""

import asyncio
from typing import Any

import pytest

from tests.fixtures.app import Person
from tests.realtime.conftest import Live


async def share(live: Live, person: Person, receipts: bool, *, server: int = 0) -> None:
    changed = await live.call(person, "PATCH", "/api/users/me/settings", server=server, json={"receipts": receipts})
    assert changed["receipts"] == receipts


async def mark(live: Live, person: Person, group: str, marker: str, number: int, *, server: int = 1) -> Any:
    path = f"/api/message_groups/{group}/{marker}"
    return await live.call(person, "PUT", path, server=server, json={"number": number})


async def members(live: Live, viewer: Person, group: str, *, server: int = 1) -> set[str]:
    """Those whose markers are listed."""
    listed = await live.call(viewer, "GET", f"/api/message_groups/{group}/read", server=server)
    return {marker["user_uuid"] for marker in listed}


async def talk(live: Live, ann: Person, bob: Person) -> str:
    """Start a group with three messages of Ann's to Bob, and return it."""
    for text in ("one", "two", "three"):
        group = (await live.send(ann, bob, text))["message_group_uuid"]
    return str(group)


@pytest.mark.parametrize("private", ["reader", "sender"])
async def test_neither_gets_a_marker_of_the_other_live(live: Live, ann: Person, bob: Person, private: str) -> None:
    """Ann listens on one server, Bob reads on the other, and the setting is changed on the first."""
    group = await talk(live, ann, bob)
    await share(live, bob if private == "reader" else ann, False)
    async with live.listener(ann).listening() as of_ann, live.listener(bob).listening() as of_bob:
        await mark(live, bob, group, "delivered", 2)
        await mark(live, bob, group, "read", 3)
        await of_bob.until_told("read", user_uuid=str(bob.uuid), number=3)
        await live.call(bob, "POST", f"/api/message_groups/{group}/typing")
        await of_ann.until_told("typing", user_uuid=str(bob.uuid), is_typing=True)  # comes after the markers
    assert not of_ann.of("read")
    assert {event["delivered_number"] for event in of_bob.of("read")} == {2, 3}


@pytest.mark.parametrize("private", ["reader", "sender"])
async def test_lists_have_the_callers_own_markers_only(live: Live, ann: Person, bob: Person, private: str) -> None:
    group = await talk(live, ann, bob)
    await mark(live, bob, group, "read", 3)
    both = {str(ann.uuid), str(bob.uuid)}
    receipts = f"/api/messages/{group}/3/receipts"
    assert await members(live, ann, group) == await members(live, bob, group) == both
    (receipt,) = await live.call(ann, "GET", receipts)
    assert (receipt["user_uuid"], receipt["is_read"]) == (str(bob.uuid), True)
    one = bob if private == "reader" else ann
    await share(live, one, False)
    for server in range(2):  # both have cached the settings
        assert await members(live, ann, group, server=server) == {str(ann.uuid)}
        assert await members(live, bob, group, server=server) == {str(bob.uuid)}
        assert await live.call(ann, "GET", receipts, server=server) == []
    await share(live, one, True)
    for server in range(2):
        assert await members(live, ann, group, server=server) == both
        assert await live.call(ann, "GET", receipts, server=server) == [receipt]


@pytest.mark.parametrize("private", ["reader", "sender"])
async def test_a_stream_that_resumes_has_no_marker_of_before(
    live: Live, ann: Person, bob: Person, private: str
) -> None:
    """The marker was published and kept before the setting was changed."""
    group = await talk(live, ann, bob)
    listener = live.roaming(ann)
    async with listener.listening():
        await live.send(ann, bob, "four")
        await listener.until(lambda: listener.position)
    await mark(live, bob, group, "read", 4)
    await share(live, bob if private == "reader" else ann, False)
    await live.send(bob, ann, "five")
    listener.connections += 1
    async with listener.listening():
        await listener.until(lambda: 5 in listener.told[group])
        await asyncio.sleep(0.3)
    assert not [event for event in listener.of("read") if event["user_uuid"] == str(bob.uuid)]
    assert listener.resyncs == ["new"]


async def test_a_stream_that_resumes_has_the_marker_of_those_who_share(live: Live, ann: Person, bob: Person) -> None:
    group = await talk(live, ann, bob)
    listener = live.roaming(ann)
    async with listener.listening():
        await live.send(ann, bob, "four")
        await listener.until(lambda: listener.position)
    await mark(live, bob, group, "read", 2)
    await mark(live, bob, group, "delivered", 4)
    listener.connections += 1
    async with listener.listening():
        await listener.until_told("read", user_uuid=str(bob.uuid), number=2, delivered_number=4)


async def test_no_marker_comes_after_the_answer_that_turns_them_off(live: Live, ann: Person, bob: Person) -> None:
    """Bob reads on both servers as fast as they answer, while his setting goes on and off."""
    for number in range(41):
        group = (await live.send(ann, bob, f"{number}"))["message_group_uuid"]
    read = iter(range(1, 41))
    async with live.listener(ann).listening() as of_ann:
        for turn in range(4):
            reads = [mark(live, bob, group, "read", next(read), server=n % 2) for n in range(6)]
            await asyncio.gather(share(live, bob, False, server=turn % 2), *reads)
            await asyncio.sleep(0.1)  # what was on its way when it was answered
            before = len(of_ann.of("read"))
            await asyncio.gather(*(mark(live, bob, group, "read", next(read), server=n % 2) for n in range(4)))
            await live.call(bob, "POST", f"/api/message_groups/{group}/typing", server=turn % 2)
            await asyncio.sleep(0.2)
            assert len(of_ann.of("read")) == before
            await share(live, bob, True, server=turn % 2)
        await mark(live, bob, group, "read", 41)
        await of_ann.until_told("read", user_uuid=str(bob.uuid), number=41)
