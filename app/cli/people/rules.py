"""The service's rules for commands that work on the conversations of one user."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from app.cli.services import Services
from app.concurrency import TaskSet
from app.messaging.changes import Changes
from app.messaging.groups.service import Groups
from app.messaging.service import Messaging
from app.settings import LARGEST_GROUP

NEVER: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for messages, changes and groups. They let no message be sent, nor be changed by its sender."""

    messaging: Messaging
    changes: Changes
    groups: Groups

    @classmethod
    def of(cls, services: Services, tasks: TaskSet, *, shows_edits: bool) -> Self:
        """Return the rules over these services; the caller drains the tasks."""
        store, users = services.messaging, services.users
        messaging = Messaging(store, users, message_max_length=1, tasks=tasks)
        changes = Changes(
            messaging, store, tasks=tasks, edit_window=NEVER, delete_window=NEVER, shows_edits=shows_edits
        )
        return cls(messaging, changes, Groups(messaging, store, users, max_members=LARGEST_GROUP, tasks=tasks))
