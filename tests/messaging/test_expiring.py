"""Messages that expire, over HTTP: from the deadline on no path shows their text, whatever the table still has."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.concurrency import TaskSet
from app.gateways.dynamodb import Query, unmarshal_item
from app.messaging.clock import now
from app.messaging.models import Draft, Message
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.messaging.test_changes import edit, place_of, react, stored
from tests.messaging.test_hidden import SECRET, hide, shown
from tests.tools.processes import DIRECTORY

EVERYWHERE = {"newest", "before", "after", "around", "one", "sync"}


async def sent_before(
    service: Service, ann: Person, bob: Person, text: str = SECRET, *, seconds: float, expires_in: int = 60, **more: Any
) -> Message:
    """Send a message that expires, at a time in the past."""
    messaging = Messaging(
        MessagingStore(service.state["table"]),
        DIRECTORY,
        message_max_length=100,
        tasks=TaskSet(),
        clock=lambda: now() - timedelta(seconds=seconds),
    )
    draft = Draft(ann.uuid, text, expires_in=expires_in, **more)
    return await messaging.send(draft, group=None, handle=str(bob.uuid))


async def test_a_message_that_expires_is_shown_until_then_and_in_no_preview(ann: Person, bob: Person) -> None:
    message = await ann.sent(SECRET, bob, expires_in=3600)
    group = message["message_group_uuid"]
    assert message["message"] == SECRET
    assert message["expires_at"] > message["created_at"]
    for person in (ann, bob):
        assert await shown(person, group, 1) == EVERYWHERE
        (row,) = await person.inbox()
        assert (row["message"], row["expires_at"]) == ("", message["expires_at"])
    assert (await bob.inbox())[0]["unread_count"] == 1
    await ann.sent("another", bob)
    assert (await bob.inbox())[0]["expires_at"] is None


async def test_an_expired_message_is_a_blank_in_every_answer(service: Service, ann: Person, bob: Person) -> None:
    first = await sent_before(service, ann, bob, seconds=59)
    group = str(first.group_uuid)
    await ann.sent("a reply", bob, reply_to=1)
    await react(bob, {"message_group_uuid": group, "number": 1}, "👍")
    second = await sent_before(service, ann, bob, f"{SECRET} too", seconds=0, expires_in=3)
    assert (await bob.inbox())[0]["unread_count"] == 3
    assert await shown(bob, group, 1) == EVERYWHERE
    await asyncio.sleep(max(0.0, (second.created_at + timedelta(seconds=3) - now()).total_seconds()))
    for person in (ann, bob):
        assert await shown(person, group, 1) == set()
        assert await shown(person, group, 3) == set()
        blank = await person.get(f"/api/messages/{group}/1")
        assert (blank["number"], blank["message"], blank["reactions"], blank["deleted_at"]) == (1, "", [], None)
        assert blank["expires_at"] <= now().isoformat()
        quote = (await person.get(f"/api/messages/{group}/2"))["reply"]
        assert (quote["message"], quote["expires_at"]) == ("", blank["expires_at"])
    assert len([item for item in await stored(service, blank) if SECRET in item.get("text", "")]) == 2, (
        "not deleted yet"
    )
    (row,) = await bob.inbox()
    assert (row["last_number"], row["unread_count"]) == (3, 1)
    assert await bob.get("/api/messages/counter") == {"count": 1, "is_complete": True, "request_count": 0}
    problem_of(await react(bob, blank, "👍"), 409, "message-deleted")
    answer = await bob.client.put(f"/api/message_groups/{group}/read", json={"number": 3})
    assert answer.json()["unread_count"] == 0


async def test_a_group_whose_unread_messages_have_expired_is_not_counted(
    service: Service, ann: Person, bob: Person
) -> None:
    await sent_before(service, ann, bob, seconds=0, expires_in=2)
    assert (await bob.get("/api/messages/counter"))["count"] == 1
    await asyncio.sleep(2)
    assert (await bob.get("/api/messages/counter"))["count"] == 0, "although the count was cached"


async def test_a_message_that_expires_may_be_deleted_and_hidden_but_not_edited(
    service: Service, ann: Person, bob: Person
) -> None:
    message = await ann.sent(SECRET, bob, expires_in=3600)
    problem_of(await edit(ann, message, "x"), 409, "message-expires")
    assert (await react(bob, message, "👍")).json()["message"] == SECRET
    assert (await hide(bob, message)).json()["message"] == ""
    assert await shown(bob, message["message_group_uuid"], 1) == set()
    tombstone = (await ann.client.delete(place_of(message))).json()
    assert (tombstone["message"], tombstone["expires_at"]) == ("", None)
    assert not [item for item in await stored(service, message) if SECRET in str(item)], "the text is gone at once"
    assert [row["expires_at"] for person in (ann, bob) for row in await person.inbox()] == [None, None]


async def test_a_send_may_be_repeated_before_and_after_the_deadline(service: Service, ann: Person, bob: Person) -> None:
    old = await sent_before(service, ann, bob, seconds=120, uuid=uuid4())
    repeated = await ann.sent(SECRET, bob, uuid=str(old.uuid), expires_in=60)
    assert (repeated["number"], repeated["message"]) == (old.number, "")
    content = {"uuid": str(uuid4()), "expires_in": 5}
    first, again = [await ann.sent(SECRET, bob, **content) for _ in range(2)]
    assert first == again
    problem_of(await ann.send("other", bob, **content), 409, "uuid-taken")
    problem_of(await ann.send(SECRET, bob, **content | {"expires_in": 6}), 409, "uuid-taken")
    problem_of(await ann.send(SECRET, bob, uuid=content["uuid"]), 409, "uuid-taken")


async def test_another_member_cannot_replace_a_text_by_its_uuid(ann: Person, bob: Person) -> None:
    message = await ann.sent(SECRET, bob, expires_in=3600)
    problem_of(await bob.send("x", ann, uuid=message["uuid"], expires_in=3600, after=1), 409, "uuid-taken")
    assert (await bob.get(place_of(message)))["message"] == SECRET


@pytest.mark.parametrize("seconds", [4, 28 * 24 * 3600 + 1, 5.5, "5", True])
async def test_expires_in_is_5_seconds_to_4_weeks(ann: Person, bob: Person, seconds: Any) -> None:
    problem_of(await ann.send("x", bob, expires_in=seconds), 422, "invalid-body")


async def test_the_table_deletes_texts_and_never_entries(service: Service, ann: Person, bob: Person) -> None:
    message = await ann.sent(SECRET, bob, expires_in=3600)
    await hide(bob, message)
    items = await stored(service, message)
    assert [item["sk"][:2] for item in items if "expires_at" in item] == ["X#"]
    for person in (ann, bob):
        query = Query("#pk = :pk", {":pk": f"USR#{person.uuid}"}, consistent=True)
        rows = map(unmarshal_item, await service.state["table"].query(query))
        assert not [row for row in rows if "expires_at" in row]


async def test_no_more_than_40_expired_messages_are_known_while_they_are_unread(
    service: Service, ann: Person, bob: Person
) -> None:
    for _ in range(45):
        await sent_before(service, ann, bob, seconds=120)
    (row,) = await bob.inbox()
    assert (row["last_number"], row["unread_count"]) == (45, 5), "the others count until they are read"
    answer = await bob.client.put(f"/api/message_groups/{row['uuid']}/read", json={"number": 44})
    assert answer.json()["unread_count"] == 1
    await sent_before(service, ann, bob, seconds=120)
    assert (await bob.inbox())[0]["unread_count"] == 1
