"""Groups of several members: what each member may do and sees, by real HTTP on real engines."""

from typing import Any
from uuid import uuid4

from tests.fixtures.app import NewPerson, Person
from tests.http.problem import problem_of


async def create(owner: Person, *others: Person, **fields: Any) -> dict[str, Any]:
    body = {"title": "Launch", "handles": [other.handle for other in others], **fields}
    answer = await owner.client.post("/api/message_groups", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def test_each_member_reads_and_writes_a_group(
    ann: Person, bob: Person, eve: Person, new_person: NewPerson
) -> None:
    group = await create(ann, bob, eve)
    uuid = group["uuid"]
    assert (group["kind"], group["display_name"], group["role"], group["member_count"]) == (
        "group",
        "Launch",
        "owner",
        3,
    )
    assert (await bob.sent("hello", uuid))["number"] == 2
    for person in (ann, bob, eve):
        (row,) = await person.inbox()
        assert (row["message"], row["last_number"]) == ("hello", 2)
        assert row["unread_count"] == (0 if person is bob else 1)
        assert await person.numbers(uuid) == [1, 2]
        assert await person.get("/api/messages/counter") == {
            "count": int(person is not bob),
            "is_complete": True,
            "request_count": 0,
        }
    read = await eve.client.put(f"/api/message_groups/{uuid}/read", json={"number": 2})
    assert (read.json()["unread_count"], read.json()["read_number"]) == (0, 2)
    assert (await eve.inbox())[0]["unread_count"] == 0
    stranger = await new_person("sam")
    for path in (f"/api/messages/{uuid}", f"/api/message_groups/{uuid}", f"/api/message_groups/{uuid}/members"):
        problem_of(await stranger.client.get(path), 404, "group-not-found")
    problem_of(await stranger.send("x", uuid), 404, "group-not-found")


async def test_a_repeated_creation_finds_the_group(ann: Person, bob: Person) -> None:
    key = str(uuid4())
    first = await create(ann, bob, uuid=key)
    assert (await create(ann, bob, uuid=key))["uuid"] == first["uuid"]
    other = {"title": "Other", "handles": [bob.handle], "uuid": key}
    problem_of(await ann.client.post("/api/message_groups", json=other), 409, "group-taken")
    assert len(await bob.inbox()) == 1


async def test_a_removed_member_reads_and_writes_nothing(ann: Person, bob: Person, eve: Person) -> None:
    group = (await create(ann, bob, eve))["uuid"]
    problem_of(await bob.client.delete(f"/api/message_groups/{group}/members/{eve.uuid}"), 403, "not-manager")
    answer = await ann.client.delete(f"/api/message_groups/{group}/members/{eve.uuid}")
    assert answer.json()["member_count"] == 2
    assert await eve.inbox() == []
    problem_of(await eve.send("x", group), 404, "group-not-found")
    problem_of(await eve.client.get(f"/api/messages/{group}"), 404, "group-not-found")
    events = [message["event"] and message["event"]["type"] for message in await ann.get(f"/api/messages/{group}")]
    assert events == ["created", "removed"]
    await ann.client.post(f"/api/message_groups/{group}/members", json={"handles": [eve.handle]})
    assert len(await eve.inbox()) == 1
    assert (await eve.sent("back", group))["number"] == 4


async def test_a_row_of_a_former_member_has_the_highest_version(ann: Person, bob: Person, eve: Person) -> None:
    group = (await create(ann, bob, eve))["uuid"]
    for text in ("one", "two", "three"):
        await ann.sent(text, group)
    (before,) = await eve.inbox()
    left = await eve.client.delete(f"/api/message_groups/{group}")
    assert left.json()["state"] == "left"
    assert left.json()["version"] > before["version"]
    await ann.client.post(f"/api/message_groups/{group}/members", json={"handles": [eve.handle]})
    (after,) = await eve.inbox()
    assert after["version"] > left.json()["version"]


async def test_an_owner_that_leaves_hands_over(ann: Person, bob: Person, eve: Person) -> None:
    group = (await create(ann, bob, eve))["uuid"]
    to_admin = f"/api/message_groups/{group}/members/{eve.uuid}"
    problem_of(await bob.client.patch(to_admin, json={"role": "admin"}), 403, "not-owner")
    await ann.client.patch(to_admin, json={"role": "admin"})
    renamed = await eve.client.patch(f"/api/message_groups/{group}", json={"title": "Landing"})
    assert renamed.json()["display_name"] == "Landing"
    left = await ann.client.delete(f"/api/message_groups/{group}")
    assert left.json()["state"] == "left"
    members = await eve.get(f"/api/message_groups/{group}/members")
    roles = [(each["user_uuid"], each["role"]) for each in members]
    assert roles == [(str(eve.uuid), "owner"), (str(bob.uuid), "member")]
    assert (await bob.inbox())[0]["display_name"] == "Landing"


async def test_mentions_edits_and_reactions_reach_members(ann: Person, bob: Person, eve: Person) -> None:
    group = (await create(ann, bob, eve))["uuid"]
    await ann.sent("@bob look", group, mentions=[str(bob.uuid)])
    assert [row["unread_mention_count"] for person in (bob, eve) for row in await person.inbox()] == [1, 0]
    edit = {"json": {"message": "@eve look", "mentions": [str(eve.uuid)]}, "headers": {"if-match": '"1"'}}
    answer = await ann.client.patch(f"/api/messages/{group}/2", **edit)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    assert [row["unread_mention_count"] for person in (bob, eve) for row in await person.inbox()] == [0, 1]
    assert (await bob.inbox())[0]["message"] == "@eve look"
    await eve.client.put(f"/api/messages/{group}/2/reactions/👍")
    assert (await bob.inbox())[0]["change_number"] == 2
    problem_of(await ann.send("x", group, mentions=[str(uuid4())]), 422, "mention-not-member")
    problem_of(await ann.client.delete(f"/api/messages/{group}/1"), 403, "not-sender")


async def test_a_user_that_takes_messages_from_contacts_only_is_added_by_contacts_only(
    ann: Person, bob: Person, eve: Person
) -> None:
    await bob.client.patch("/api/users/me/settings", json={"messages_from": "contacts"})
    body = {"title": "Launch", "handles": [bob.handle, eve.handle]}
    problem_of(await ann.client.post("/api/message_groups", json=body), 403, "cannot-add")
    assert await eve.inbox() == []
    await bob.sent("hello", ann)
    assert (await ann.client.post("/api/message_groups", json=body)).status_code == 200


async def test_newcomers_see_what_follows_or_all_if_the_group_shows_it(
    ann: Person, bob: Person, eve: Person, new_person: NewPerson
) -> None:
    group = (await create(ann, bob))["uuid"]
    await ann.sent("before", group)
    members = f"/api/message_groups/{group}/members"
    await ann.client.post(members, json={"handles": [eve.handle]})
    assert await eve.numbers(group) == [3]
    problem_of(await eve.client.get(f"/api/messages/{group}/2"), 404, "message-not-found")
    (row,) = await eve.inbox()
    assert (row["message"], row["unread_count"], row["cleared_number"]) == ("", 0, 2)
    await ann.client.patch(f"/api/message_groups/{group}", json={"shows_history": True})
    sam = await new_person("sam")
    await ann.client.post(members, json={"handles": [sam.handle]})
    assert await sam.numbers(group) == [1, 2, 3, 4, 5]


async def test_an_archived_group_comes_back_with_a_message_and_stays_with_a_system_message(
    ann: Person, bob: Person
) -> None:
    group = (await create(ann, bob))["uuid"]
    view = f"/api/message_groups/{group}/view"
    assert (await bob.client.patch(view, json={"is_archived": True})).json()["folder"] == "archive"
    await ann.client.patch(f"/api/message_groups/{group}", json={"title": "Landing"})
    assert await bob.inbox() == []
    await ann.sent("hello", group)
    assert [row["folder"] for row in await bob.inbox()] == ["inbox"]
    await bob.client.patch(view, json={"is_archived": True, "muted_until": "2099-01-01T00:00:00Z"})
    await ann.sent("hello", group)
    assert await bob.inbox() == []
    assert [row["message"] for row in await bob.get("/api/message_groups", folder="archive")] == ["hello"]


async def test_a_pinned_group_is_pinned_no_longer_once_its_member_is_removed(
    ann: Person, bob: Person, eve: Person
) -> None:
    first, second = [(await create(ann, bob, eve))["uuid"] for _ in range(2)]
    for group in (first, second):
        answer = await bob.client.patch(f"/api/message_groups/{group}/view", json={"pin_position": 2})
        assert answer.status_code == 200, answer.text
    await ann.client.delete(f"/api/message_groups/{first}/members/{bob.uuid}")
    pinned = await bob.get("/api/users/me/pins")
    assert [(row["uuid"], row["pin_position"]) for row in pinned] == [(second, 1)]
