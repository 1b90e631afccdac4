"""Messages of an installation that keeps them for some days, over HTTP: no answer shows the content of older ones."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from app.auth.issuer import LocalIssuer
from app.concurrency import TaskSet
from app.gateways.dynamodb import StoredItem, Table, Update
from app.messaging.change_items import change_key, to_entity
from app.messaging.changes import Changes
from app.messaging.clock import now
from app.messaging.groups.items import head_key
from app.messaging.groups.models import GroupDraft
from app.messaging.groups.service import Groups
from app.messaging.items import inbox_key, message_key
from app.messaging.models import ChangeDraft, ChangeType, Draft, Message
from app.messaging.retention import Retention
from app.messaging.retention_store import RetentionStore
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.visibility import seen_by
from app.settings import Settings
from tests.fixtures.app import NewPerson, Person, Service, people_of, running
from tests.http.faulty import changed
from tests.http.problem import problem_of
from tests.messaging.test_change_capacity import Changing
from tests.messaging.test_changes import edit, react, stored
from tests.messaging.test_hidden import SECRET, hide, shown
from tests.moderation.test_reports import about, place, report
from tests.tools.processes import DIRECTORY

RETENTION = Retention.of_days(30)
SHOWN = {"newest", "before", "after", "around", "one", "changes", "inbox", "group", "sync"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def keeping(settings: Settings, service: Service) -> AsyncIterator[Service]:
    """A service that keeps messages for 30 days."""
    assert service.state["table"] is not None, "the service has made it"
    async with running(changed(settings, message_retention_days=30)) as service:
        yield service


@pytest_asyncio.fixture
async def new_keeper(keeping: Service, issuer: LocalIssuer) -> AsyncIterator[NewPerson]:
    async with people_of(keeping, issuer) as new_person:
        yield new_person


class Past:
    """A process of some days ago, which keeps messages for ever."""

    def __init__(self, table: Table, *, days: float) -> None:
        self.tasks, self.store, at = TaskSet(), MessagingStore(table), now() - timedelta(days=days)
        self.messaging = Messaging(self.store, DIRECTORY, message_max_length=100, tasks=self.tasks, clock=lambda: at)
        self.groups = Groups(self.messaging, self.store, DIRECTORY, max_members=10, tasks=self.tasks)
        self.changes = Changes(
            self.messaging,
            self.store,
            tasks=self.tasks,
            clock=lambda: at,
            edit_window=timedelta(days=1),
            delete_window=timedelta(days=1),
            shows_edits=True,
        )

    async def send(self, sender: Person, to: Person, text: str = SECRET, **more: object) -> Message:
        draft = replace(Draft(sender.uuid, text), **more)  # type: ignore[arg-type]  # the fields of a draft
        return await self.messaging.send(draft, group=None, handle=str(to.uuid))

    async def edit(self, message: Message, text: str) -> None:
        draft = ChangeDraft(message.user_uuid, message.group_uuid, message.number, ChangeType.EDIT, text, version=1)
        await self.changes.edit(draft)


async def purge(table: Table, items: Sequence[StoredItem | None], at: datetime) -> int:
    """Do what the command does with these items; return how many of them had content that has ended."""
    store, found = RetentionStore(table, RETENTION), 0
    for item in items:
        assert item
        entity = to_entity(item)
        if isinstance(entity, Message) and store.is_overdue(entity, at):
            found += 1
            await store.end(entity)
        elif isinstance(entity, InboxRow) and store.is_preview_overdue(item, at):
            found += 1
            await store.end_preview(item)
    return found


@pytest.mark.parametrize("is_purged", [False, True])
async def test_a_message_is_a_blank_in_every_answer_after_its_days(
    keeping: Service, new_keeper: NewPerson, is_purged: bool
) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    table = keeping.state["table"]
    past, later = Past(table, days=30), Past(table, days=29)
    message = await past.send(ann, bob)
    await past.edit(message, f"{SECRET}, edited")
    await later.send(bob, ann, "a reply", reply_to=1)
    group = str(message.group_uuid)
    if is_purged:
        items = [await table.get(message_key(message.group_uuid, number), consistent=True) for number in (1, 2)]
        assert await purge(table, items, now()) == 1
        assert not [
            item for item in await stored(keeping, await ann.get(f"/api/messages/{group}/1")) if SECRET in str(item)
        ]
    for person in (ann, bob):
        assert await shown(person, group, 1) == set()
        blank = await person.get(f"/api/messages/{group}/1")
        assert (blank["message"], blank["reactions"], blank["deleted_at"], blank["number"]) == ("", [], None, 1)
        assert blank["expires_at"][:19] == (message.created_at + timedelta(days=30)).isoformat()[:19]
        assert (await person.get(f"/api/messages/{group}/2"))["reply"]["message"] == ""
        assert await person.get(f"/api/messages/{group}/1/edits") == []
        assert SECRET not in (await person.client.get("/api/users/me/export")).text
    problem_of(await react(bob, blank, "👍"), 409, "message-deleted")
    problem_of(await edit(ann, blank, "again", version=2), 409, "message-deleted")
    assert (await hide(bob, blank)).json()["is_hidden"]
    assert (await report(bob, **place(blank))).is_success
    [kept] = await about(keeping, ann)
    assert [each["message"] for each in kept.messages] == ["", "a reply"]


async def test_before_that_it_is_shown_everywhere(keeping: Service, new_keeper: NewPerson) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    message = await Past(keeping.state["table"], days=29.9).send(ann, bob)
    await Past(keeping.state["table"], days=29.8).edit(message, f"{SECRET}, edited")
    assert await shown(bob, str(message.group_uuid), 1) == SHOWN | {"edits"}
    (row,) = await bob.inbox()
    assert (row["unread_count"], row["expires_at"]) == (1, None)
    assert row["unread_until"][:19] == (message.created_at + timedelta(days=30)).isoformat()[:19]
    await ann.sent("a reply", bob, reply_to=1)
    assert (await bob.get(f"/api/messages/{message.group_uuid}/2"))["reply"]["expires_at"] == row["unread_until"]
    assert (await bob.get("/api/messages/counter"))["count"] == 1


@pytest.mark.parametrize("is_purged", [False, True])
async def test_a_group_whose_messages_have_all_ended_is_not_unread_and_has_no_preview(
    keeping: Service, new_keeper: NewPerson, is_purged: bool
) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    table = keeping.state["table"]
    for _ in range(3):
        message = await Past(table, days=31).send(ann, bob, mentions=frozenset({bob.uuid}))
    if is_purged:
        rows = [await table.get(inbox_key(user, message.group_uuid), consistent=True) for user in (ann.uuid, bob.uuid)]
        assert await purge(table, rows, now()) == 2
        rows = [await table.get(inbox_key(user, message.group_uuid), consistent=True) for user in (ann.uuid, bob.uuid)]
        assert SECRET not in str(rows)
    (row,) = await bob.inbox()
    assert (row["message"], row["unread_count"], row["unread_mention_count"], row["last_number"]) == ("", 0, 0, 3)
    assert row["expires_at"] < now().isoformat()
    assert (await bob.get("/api/messages/counter"))["count"] == 0
    await bob.client.patch(f"/api/message_groups/{message.group_uuid}/view", json={"is_marked_unread": True})
    assert (await bob.get("/api/messages/counter"))["count"] == 1
    assert [each["message"] for each in await bob.get(f"/api/messages/{message.group_uuid}", at="first_unread")] == [
        ""
    ] * 3
    await ann.sent("new", bob)
    (row,) = await bob.inbox()
    assert (row["message"], row["expires_at"]) == ("new", None)


async def test_system_messages_of_a_group_do_not_end(keeping: Service, new_keeper: NewPerson) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    past = Past(keeping.state["table"], days=31)
    group = (await past.groups.create(GroupDraft(ann.uuid, "Launch", (bob.uuid,), uuid4()))).group_uuid
    await past.messaging.send(Draft(ann.uuid, SECRET), group=group, handle=None)
    created, secret = await bob.get(f"/api/messages/{group}")
    assert (created["event"]["title"], secret["message"]) == ("Launch", "")
    (row,) = await bob.inbox()
    assert (row["display_name"], row["message"], row["unread_count"]) == ("Launch", "", 0)
    head = await keeping.state["table"].get(head_key(group), consistent=True)
    assert head
    assert RetentionStore(keeping.state["table"], RETENTION).is_preview_overdue(head, now())


@pytest.mark.parametrize("is_purged", [False, True])
async def test_a_send_that_is_repeated_after_it_has_ended_is_not_stored_again(
    keeping: Service, new_keeper: NewPerson, is_purged: bool
) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    table, uuid = keeping.state["table"], uuid4()
    message = await Past(table, days=31).send(ann, bob, uuid=uuid)
    if is_purged:
        item = await table.get(message_key(message.group_uuid, 1), consistent=True)
        assert await purge(table, [item], now()) == 1
    again = await ann.sent(SECRET, bob, uuid=str(uuid))
    assert (again["number"], again["message"]) == (1, "")


async def test_a_shorter_retention_ends_what_its_sender_lets_expire_later(
    keeping: Service, new_keeper: NewPerson
) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    table = keeping.state["table"]
    message = await Past(table, days=1).send(ann, bob, expires_in=28 * 86_400)
    day = Retention(timedelta(days=1))
    (kept,) = await MessagingStore(table).newest_messages(message.group_uuid, limit=1)
    assert (kept.text, kept.expires_at) == (SECRET, message.created_at + timedelta(days=28))
    (ended,) = await MessagingStore(table, day).newest_messages(message.group_uuid, limit=1)
    assert (seen_by(ended, bob.uuid).text, ended.expires_at) == ("", message.created_at + timedelta(days=1))
    await RetentionStore(table, day).end(kept)
    (gone,) = await MessagingStore(table).newest_messages(message.group_uuid, limit=1)
    assert (gone.text, gone.ended_at) == ("", message.created_at + timedelta(days=1))
    assert SECRET not in str(await stored(keeping, await ann.get(f"/api/messages/{message.group_uuid}/1")))


async def test_what_was_read_before_its_end_is_not_shown_after_it(keeping: Service, new_keeper: NewPerson) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    past = Past(keeping.state["table"], days=31)
    await past.send(ann, bob)
    event = await past.send(ann, bob, "a reply", reply_to=1)
    assert event.quoted
    views = keeping.state["views"]
    (view,) = await views.messages([event], viewer=bob.uuid)
    assert (view.message, view.reply) == ("", None)
    event = replace(event, created_at=now())  # the quote alone is older
    (view,) = await views.messages([event], viewer=bob.uuid)
    assert view.reply
    assert (view.message, view.reply.message) == ("a reply", "")


async def test_texts_that_a_deletion_has_left_are_in_no_list_of_changes(
    keeping: Service, new_keeper: NewPerson
) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    table = keeping.state["table"]
    message = await Past(table, days=1).send(ann, bob)
    await Past(table, days=1).edit(message, f"{SECRET}, edited")
    left = await table.get(change_key(message.group_uuid, 1), consistent=True)
    assert left
    assert (await ann.client.delete(f"/api/messages/{message.group_uuid}/1")).is_success
    await table.update(Update(change_key(message.group_uuid, 1), "SET #text = :text", {":text": left["text"]["S"]}))
    edited, _ = await bob.get(f"/api/messages/{message.group_uuid}/changes", after=0)
    assert (edited["type"], edited["message"]) == ("edit", None)


async def test_a_newer_message_keeps_its_preview(keeping: Service, new_keeper: NewPerson) -> None:
    ann, bob = await new_keeper("ann"), await new_keeper("bob")
    table = keeping.state["table"]
    message = await Past(table, days=31).send(ann, bob)
    before = await table.get(inbox_key(bob.uuid, message.group_uuid), consistent=True)
    await ann.sent("new", bob)
    assert await purge(table, [before], now()) == 1
    assert (await bob.inbox())[0]["message"] == "new"


@pytest.mark.parametrize(("retention", "reads"), [(Retention(), 1.5), (RETENTION, 2)])
async def test_a_send_costs_what_it_did_and_a_list_of_changes_half_a_unit_for_each_edit_more(
    service: Service, retention: Retention, reads: float
) -> None:
    changing = Changing(service)
    await changing.send()
    changing.store.texts.retention = retention
    async with changing.meter.measure() as spent:
        await changing.send(after=1)
    assert (spent.write_units, spent.read_units) == (3, 1), spent
    await changing.change(ChangeType.EDIT, text="edited", version=1)
    async with changing.meter.measure() as listed:
        found, _ = await changing.changes.after(changing.bob, changing.group, 0, limit=10)
    assert ([change.text for change in found], listed.read_units) == (["edited"], reads), listed
