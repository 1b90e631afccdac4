"""Whatever dies or fails between two writes, each member's list and history are what a plain model of views says."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.clock import now
from app.messaging.errors import GroupNotFound
from app.messaging.models import ChangeDraft, ChangeType, Draft
from app.messaging.my_view.items import ViewChange
from app.messaging.my_view.service import MyView
from app.messaging.preview import preview
from app.messaging.row_models import Folder, InboxRow, MemberState
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.messaging.test_change_properties import Process, World

FOREVER = now() + timedelta(days=365)


@dataclass
class View:
    """A member's view of the group, as the model knows it."""

    read: int = 0
    cleared: int = 0
    folder: Folder = Folder.INBOX
    is_muted: bool = False
    is_marked: bool = False
    is_pinned: bool = False
    has_left: bool = False

    def on_message(self, number: int, *, is_own: bool) -> None:
        if self.folder is Folder.ARCHIVE and not self.is_muted:
            self.folder = Folder.INBOX
        self.has_left = False
        if is_own:
            self.read, self.is_marked = number, False

    def on_read(self, number: int) -> None:
        if number >= self.read:
            self.read, self.is_marked = number, False

    def on_clear(self, number: int) -> None:
        if number > self.cleared:
            self.cleared, self.is_marked = number, False

    def on_archive(self, is_archived: bool) -> None:
        self.folder = Folder.ARCHIVE if is_archived else Folder.INBOX
        self.is_pinned = self.is_pinned and not is_archived

    def on_leave(self) -> None:
        self.has_left, self.folder, self.is_marked, self.is_pinned = True, Folder.INBOX, False, False


@dataclass
class ViewWorld(World):
    """Two users of one group, and what each has made of it."""

    texts: list[str] = field(default_factory=list)
    senders: list[UUID] = field(default_factory=list)
    edits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.views = {user: View() for user in self.pair}

    async def send_text(self, user: UUID, deaths: Sequence[int]) -> None:
        draft = Draft(user, f"text {len(self.texts)}", uuid4(), len(self.texts))
        handle = str(self.pair[self.pair[0] == user])
        await self.repeat(lambda process: process.messaging.send(draft, group=None, handle=handle), deaths)
        self.texts.append(draft.text)
        self.senders.append(user)
        for member, view in self.views.items():
            view.on_message(len(self.texts), is_own=member == user)
        await self.all_projected()

    async def all_projected(self) -> None:
        """Wait until no row is written in the background any more, as a row that is late may come back late."""
        for _ in range(1_000):
            if min([(await self.row(user)).last_number for user in self.pair]) == len(self.texts):
                return
            await asyncio.sleep(0.02)
        raise AssertionError("a row is left behind")

    async def row(self, user: UUID) -> InboxRow:
        row = await self.store.inbox_row(user, self.group)
        assert row
        return row

    async def act(self, kind: str, user: UUID, number: int, is_on: bool, deaths: Sequence[int]) -> None:
        view, number = self.views[user], min(number, len(self.texts))
        if kind == "send":
            await self.send_text(user, deaths)
        elif view.has_left or (kind == "pin" and view.folder is not Folder.INBOX):
            return
        elif kind == "edit":
            await self.edit_last(user, deaths)
        elif kind == "read":
            await self.repeat(lambda process: process.messaging.markers.mark_read(user, self.group, number), deaths)
            view.on_read(number)
        elif kind == "leave":
            with suppress(GroupNotFound):  # the answer of the first attempt was lost
                await self.repeat(lambda process: view_of(process).leave(user, self.group), deaths)
            view.on_leave()
        else:
            change, effect = self.change_of(kind, view, number, is_on)
            await self.repeat(lambda process: view_of(process).change(user, self.group, change), deaths)
            effect()

    def change_of(self, kind: str, view: View, number: int, is_on: bool) -> tuple[ViewChange, Callable[[], None]]:
        """Return a change, and what it does to the model."""
        match kind:
            case "clear":
                return ViewChange(cleared_number=number), lambda: view.on_clear(number)
            case "archive":
                return ViewChange(is_archived=is_on), lambda: view.on_archive(is_on)
            case "mute":
                return ViewChange(muted_until=FOREVER if is_on else None), lambda: setattr(view, "is_muted", is_on)
            case "pin":
                return ViewChange(pin_position=1 if is_on else None), lambda: setattr(view, "is_pinned", is_on)
        return ViewChange(is_marked_unread=is_on), lambda: setattr(view, "is_marked", is_on)

    async def edit_last(self, user: UUID, deaths: Sequence[int]) -> None:
        number = len(self.texts)
        if self.senders[-1] != user or self.views[user].cleared >= number:
            return
        text = f"edited {uuid4()}"
        version = self.edits.count(number) + 1
        draft = ChangeDraft(user, self.group, number, ChangeType.EDIT, text=text, version=version, uuid=uuid4())
        await self.repeat(lambda process: process.changes.edit(draft), deaths)
        self.texts[-1] = text
        self.edits.append(number)

    async def check_user(self, user: UUID) -> None:
        """Compare the row, the lists, the counter, the history and a sync with the model."""
        view, row, end = self.views[user], await self.row(user), len(self.texts)
        assert (row.last_number, row.read_number, row.cleared_number) == (end, view.read, view.cleared)
        assert (row.folder, row.is_muted(now()), row.is_marked_unread) == (view.folder, view.is_muted, view.is_marked)
        assert (row.state is MemberState.LEFT, row.pin_position) == (view.has_left, 1 if view.is_pinned else None)
        assert (await self.store.views.pins(user)).groups == ((self.group,) if view.is_pinned else ())
        assert row.preview == ("" if view.cleared == end else preview(self.texts[-1]))
        unread = end - max(view.read, view.cleared)
        assert row.unread_count == unread
        for folder in Folder:
            is_here = not view.has_left and folder is view.folder
            listed = await self.store.inbox.newest_rows(user, before=None, limit=5, most=5, folder=folder)
            assert listed == ([row] if is_here else [])
            assert len(await self.store.inbox.entries(user, None, limit=5, folder=folder)) == int(is_here)
        counts = not view.has_left and view.folder is Folder.INBOX and not view.is_muted
        counted, _ = await self.store.inbox.count_unread(user, limit=10)
        assert counted.count == int(counts and (unread > 0 or view.is_marked))
        difference = await Catchup(self.store).difference(user, {self.group: SyncCursor(0, 0, 0)})
        reader = Process.start(self.service, calls=10**6)
        if view.has_left:
            assert difference.gone == [self.group]
            return
        history = (await reader.messaging.history(user, self.group, Window.newest(100))).messages
        for found in (history, difference.messages):
            assert [(each.number, each.text) for each in found] == [
                (number, text) for number, text in enumerate(self.texts, 1) if number > view.cleared
            ]
        assert all((each.text is None) == (each.message_number <= view.cleared) for each in difference.changes)
        assert [each.message_number for each in difference.changes] == self.edits


def view_of(process: Process) -> MyView:
    return MyView(process.messaging, process.store)


KINDS = ["send", "send", "send", "edit", "read", "mark", "mute", "archive", "archive", "clear", "pin", "leave"]
steps = st.tuples(st.sampled_from(KINDS), st.booleans(), st.integers(1, 8), st.booleans())


@given(
    script=st.lists(st.tuples(steps, st.lists(st.integers(0, 6), max_size=3)), min_size=1, max_size=25),
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_views_are_what_the_model_says(service: Service, script: list[Any], seed: int, share: float) -> None:
    """Each call is repeated until a process lives long enough to answer it; the processes before it die on the way."""
    world = ViewWorld(service, random.Random(seed), share)  # noqa: S311  # repeatable
    for user in world.pair:
        await world.send_text(user, [])
    for (kind, is_first, number, is_on), deaths in script:
        await world.act(kind, world.pair[0 if is_first else 1], number, is_on, deaths)
    for process in world.healthy:
        await process.tasks.drain(10)
    for user in world.pair:
        await world.check_user(user)
