"""Changes at the edges: former members, hidden texts, half-finished deletions, late reads and clocks that differ."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.concurrency import TaskSet
from app.errors import Unavailable
from app.gateways.dynamodb import Update
from app.messaging import change_items, items
from app.messaging.changes import Changes
from app.messaging.clock import now
from app.messaging.errors import MessageDeleted
from app.messaging.events import MessageChanged
from app.messaging.models import Change, ChangeDraft, ChangeType, Draft, Message, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from tests.fixtures.app import Person, Service
from tests.messaging.test_change_properties import Process
from tests.messaging.test_changes import edit
from tests.tools.processes import DIRECTORY

DAY = timedelta(days=1)


class Editing:
    """Ann, Bob, a message of Ann's, and the events that changes of it publish."""

    def __init__(self, service: Service, *, shows_edits: bool = True, slow_by: timedelta = timedelta(0)) -> None:
        self.ann, self.bob = uuid4(), uuid4()
        self.group = direct_group_uuid(self.ann, self.bob)
        self.table = service.state["table"]
        self.store = MessagingStore(self.table)
        self.events: list[Any] = []
        self.tasks = TaskSet()
        self.messaging = Messaging(
            self.store, DIRECTORY, message_max_length=100, tasks=self.tasks, publish=self._publish
        )
        self.changes = Changes(
            self.messaging,
            self.store,
            tasks=TaskSet(),
            edit_window=DAY,
            delete_window=DAY,
            shows_edits=shows_edits,
            clock=lambda: now() - slow_by,
        )

    async def _publish(self, *events: Any) -> None:
        self.events += events

    async def send(self) -> Message:
        return await self.messaging.send(Draft(self.ann, "text 1"), group=None, handle=str(self.bob))

    async def edit(self, version: int, **content: Any) -> Message:
        text = f"text {version + 1}"
        draft = ChangeDraft(
            self.ann, self.group, 1, ChangeType.EDIT, text=text, version=version, uuid=content.get("uuid")
        )
        return await self.changes.edit(draft)

    async def log(self) -> list[Change]:
        return await self.store.changes.changes_between(self.group, 1, 99, consistent=True)


async def test_a_former_member_is_told_of_no_change(service: Service) -> None:
    editing = Editing(service)
    await editing.send()
    row = items.inbox_key(editing.bob, editing.group)
    await editing.table.update(Update(row, "SET #state = :left", {":left": "left"}))
    await editing.edit(1)
    assert [event.to for event in editing.events if isinstance(event, MessageChanged)] == [editing.ann]


async def test_earlier_texts_that_are_not_shown_are_nowhere(service: Service) -> None:
    editing = Editing(service, shows_edits=False)
    await editing.send()
    uuid = uuid4()
    for version in (1, 2, 3):
        await editing.edit(version, uuid=uuid)
    assert [(change.text, change.earlier_text) for change in await editing.log()] == [
        (None, None),
        (None, None),
        ("text 4", None),
    ]
    again = await editing.edit(2, uuid=uuid)
    assert (again.text, again.version) == ("text 4", 4), "an edit whose text is gone is still found by its uuid"


async def test_an_edit_is_refused_while_the_deletion_of_its_message_is_unfinished(service: Service) -> None:
    """A process has deleted the message, and removed the text of the edit, but not its number."""
    editing, uuid = Editing(service), uuid4()
    await editing.send()
    message = await editing.edit(1, uuid=uuid)
    deletion = Change(editing.group, 2, uuid4(), editing.ann, now(), ChangeType.DELETE, 1)
    await editing.store.changes.append(deletion)
    await editing.store.changes.apply(deletion, message)
    await editing.table.update(change_items.remove_texts(editing.group, 1))
    with pytest.raises(MessageDeleted):
        await editing.edit(1, uuid=uuid)


async def test_an_edit_is_not_earlier_than_its_message(service: Service) -> None:
    editing = Editing(service, slow_by=timedelta(seconds=5))
    message = await editing.send()
    edited_at = (await editing.edit(1)).edited_at
    assert edited_at
    assert edited_at >= message.created_at


async def test_earlier_texts_have_their_versions_though_one_is_read_late(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    editing = Editing(service)
    await editing.send()
    for version in (1, 2, 3):
        await editing.edit(version)
    changes = await editing.log()

    async def late(*_: object) -> list[Change]:
        return changes[1:]

    monkeypatch.setattr(editing.store.changes, "changes", late)
    found = await editing.changes.edits(editing.bob, editing.group, 1)
    assert [(edit.version, edit.text) for edit in found] == [(3, "text 3")]
    assert found[0].written_at == changes[1].created_at


async def test_a_reply_is_answered_though_the_name_in_its_quote_cannot_be_read(
    service: Service, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = (await ann.sent("one", bob))["message_group_uuid"]
    users = service.state["users"]
    names = users.names

    async def unless_of_bob(uuids: Any) -> Any:
        wanted = list(uuids)
        if ann.uuid in wanted:
            raise Unavailable
        return await names(wanted)

    monkeypatch.setattr(users, "names", unless_of_bob)
    answer = await bob.client.post("/api/messages", json={"message": "two", "message_group_uuid": group, "reply_to": 1})
    assert (answer.status_code, answer.json()["reply"]) == (200, None)


async def test_the_changes_of_others_are_applied_up_to_the_first_that_is_missing(
    service: Service, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range of a log is not read at one moment: it may have a change without the one before it."""
    message = await ann.sent("one", bob)
    group = ann.group_with(bob)
    store = service.state["changes"]._store  # noqa: SLF001
    others = [
        Change(group, number, uuid4(), bob.uuid, now(), ChangeType.REACT, 1, emoji=emoji)
        for number, emoji in enumerate("😀😁😂😃", 1)
    ]
    for other in others:
        await store.changes.append(other)
    between = type(store.changes).changes_between

    async def with_hole(*arguments: Any, **options: Any) -> list[Change]:
        return [change for change in await between(*arguments, **options) if change.number != 3]

    with monkeypatch.context() as patch:
        patch.setattr(type(store.changes), "changes_between", with_hole)
        answer = (await edit(ann, message, "two")).json()
    assert {each["emoji"] for each in answer["reactions"]} == set("😀😁😂😃")


@pytest.mark.parametrize("calls", range(2, 9))
async def test_the_next_change_finishes_a_deletion_that_a_process_has_left(service: Service, calls: int) -> None:
    """The process ends after some calls of the table. Others read the group, and change another message."""
    editing = Editing(service)
    for _ in range(2):
        await editing.send()
    for version in (1, 2):
        await editing.edit(version)
    deletion = ChangeDraft(editing.ann, editing.group, 1, ChangeType.DELETE)
    await Process.start(service, calls=calls).ask(lambda process: process.changes.delete(deletion))
    await editing.messaging.history(editing.bob, editing.group, Window.newest(9))
    await editing.tasks.drain(9)
    await editing.changes.react(ChangeDraft(editing.bob, editing.group, 2, ChangeType.REACT, emoji="😀"))
    log = await editing.log()
    left = [text for change in log for text in (change.text, change.earlier_text) if text]
    is_deleted = any(change.type is ChangeType.DELETE for change in log)
    assert is_deleted == (calls > 2), "the third call is the entry"
    assert bool(left) != is_deleted
