"""Streams of the members of a group of several, on two server processes."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from tests.fixtures.app import NewPerson, Person
from tests.realtime.conftest import Live


async def create(live: Live, owner: Person, *others: Person, **fields: Any) -> str:
    body = {"title": "Launch", "handles": [other.handle for other in others], **fields}
    return str((await live.call(owner, "POST", "/api/message_groups", json=body))["uuid"])


async def say(live: Live, sender: Person, group: str, text: str = "hi", *, server: int = 1, **fields: Any) -> Any:
    body = {"message": text, "message_group_uuid": group, **fields}
    return await live.call(sender, "POST", "/api/messages", server=server, json=body)


async def test_each_member_hears_messages_changes_and_system_messages(
    live: Live, ann: Person, bob: Person, eve: Person
) -> None:
    async with AsyncExitStack() as stack:
        listeners = [live.listener(person, server=at % 2) for at, person in enumerate((ann, bob, eve))]
        for listener in listeners:
            await stack.enter_async_context(listener.listening())
        group = await create(live, ann, bob, eve)
        await say(live, bob, group, "hello @eve", mentions=[str(eve.uuid)])
        await live.call(ann, "PUT", f"/api/messages/{group}/2/reactions/👍", server=0)
        await live.call(ann, "PATCH", f"/api/message_groups/{group}", json={"title": "Landing"})
        for listener in listeners:
            await listener.until(lambda listener=listener: 3 in listener.told[group])  # type: ignore[misc]
            change = await listener.until_told("change")
            assert (change["change"]["number"], change["change"]["emoji"]) == (2, "👍")
            messages = {each["message"]["number"]: each for each in listener.of("message")}
            assert messages[3]["message"]["event"]["title"] == "Landing"
            assert messages[3]["group"]["display_name"] == "Landing"
        await listeners[2].until(
            lambda: any(each["group"]["unread_mention_count"] for each in listeners[2].of("group"))
        )
        assert [row["unread_count"] for row in await eve.inbox()] == [1]
        version = (await eve.inbox())[0]["version"]
        await listeners[2].until(lambda: listeners[2].versions[group] == version)


async def test_a_removed_member_hears_nothing_after_the_answer(
    live: Live, ann: Person, bob: Person, eve: Person
) -> None:
    group = await create(live, ann, bob, eve)
    async with live.listener(eve, server=0).listening() as listener, live.listener(bob, server=0).listening() as other:
        for number in range(5):
            await asyncio.gather(*(say(live, ann, group, f"{number} {at}") for at in range(4)))
            end = (await ann.inbox())[0]["last_number"]
            await live.call(ann, "DELETE", f"/api/message_groups/{group}/members/{eve.uuid}", server=number % 2)
            heard = len(listener.events)
            await asyncio.gather(*(say(live, ann, group, f"secret {at}", server=at % 2) for at in range(4)))
            last = (await ann.inbox())[0]["last_number"]
            await other.until(lambda last=last: last in other.told[group])  # type: ignore[misc]
            assert max(listener.told[group]) <= end
            assert not [each for each in listener.events[heard:] if "secret" in str(each)]
            await listener.until_told("group")
            assert listener.of("group")[-1]["group"]["state"] == "left"
            body = {"handles": [eve.handle]}
            await live.call(ann, "POST", f"/api/message_groups/{group}/members", json=body, server=number % 2)
            await say(live, ann, group, "welcome")
            after = (await ann.inbox())[0]["last_number"]
            await listener.until(lambda after=after: after in listener.told[group])  # type: ignore[misc]
            assert not {*range(end + 1, last + 1)} & {*listener.told[group]}
            assert "secret" not in str(listener.events)


async def test_a_stream_that_resumes_has_what_the_members_wrote_meanwhile(
    live: Live, ann: Person, new_person: NewPerson
) -> None:
    others = [await new_person(f"member{at}") for at in range(4)]
    group = await create(live, ann, *others)
    listener = live.roaming(others[0])
    async with listener.listening():
        for at in range(12):
            await say(live, others[at % 4], group, f"{at}", server=at % 2)
            if at % 3 == 0:
                await listener.cut()
        await listener.until(lambda: {*range(2, 14)} <= {*listener.told[group]})
