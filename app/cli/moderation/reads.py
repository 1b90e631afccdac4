"""The log of operators' reads: a command writes into it before it shows anything of a conversation.

A user can be told what was read, why, and by which operator. If the entry cannot be written, the command fails and
shows nothing.
"""

import os
import pwd
import shlex
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Self
from uuid import UUID

import typer

from app.cli.failures import Code, Failure
from app.cli.services import Services, open_services
from app.cli.target import is_local
from app.messaging.groups.models import has_head
from app.messaging.row_models import InboxRow
from app.messaging.store import MessagingStore
from app.moderation.models import OperatorRead
from app.moderation.store import OperatorReadStore
from app.settings import ProcessSettings, StoreSettings, read_settings

LONGEST_COMMAND: Final = 1_000

Why = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why you read it, for the log of reads; needed off this machine."),
]
As = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="Your name in the log of reads, beside that of this machine.")
]


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator of a command that shows messages, and the reason for it."""

    os_user: str
    name: str
    reason: str | None

    @classmethod
    def of(cls, settings: ProcessSettings, *, name: str | None, reason: str | None) -> Self:
        """Return the operator, or raise a Failure off this machine without a reason."""
        if not (reason and reason.strip()) and not is_local(settings):
            raise Failure(
                "This shows what users have written: say why with --reason, which is kept in the log of reads.",
                Code.USAGE,
            )
        user = os_user()
        return cls(user, name or user, reason)

    async def record(self, reads: OperatorReadStore, people: Iterable[UUID], *, group: UUID | None = None) -> None:
        """Write that messages of these people are about to be shown, of any if there are none. Raises Unavailable."""
        command = shlex.join(sys.argv[1:])[:LONGEST_COMMAND]
        await reads.add(OperatorRead(self.os_user, self.name, command, self.reason, group, frozenset(people)))


@asynccontextmanager
async def open_services_to_read(*, name: str | None, reason: str | None) -> AsyncIterator[tuple[Services, Operator]]:
    """Open Postgres and the table for an operator that reads messages, or raise a Failure without a reason for it."""
    settings = read_settings(StoreSettings)
    operator = Operator.of(settings, name=name, reason=reason)
    async with open_services(settings) as services:
        yield services, operator


def os_user() -> str:
    """Return the name of the user that runs this process, which no environment variable changes."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in containers
        return f"uid {os.getuid()}"


async def members_of(messaging: MessagingStore, group: UUID, senders: Iterable[UUID] = ()) -> set[UUID]:
    """Return the senders, by default that of the newest message, and the peers in their rows. 1 RCU for each sender.

    Of a group of several the senders and all members. 1 RCU for each 4 KB, about 40.
    """
    found = set(senders) or {message.user_uuid for message in await messaging.newest_messages(group, limit=1)}
    if has_head(group):
        return found.union(await messaging.heads.members(group))
    rows = [await messaging.inbox_row(user, group) for user in found]
    return found | {row.peer_uuid for row in rows if row and row.peer_uuid}


async def members_ever(messaging: MessagingStore, group: UUID, senders: Iterable[UUID] = ()) -> set[UUID]:
    """Return the members of a group, and the users that were members of it. Of a group of several its log is read."""
    found = await members_of(messaging, group, senders)
    if has_head(group):
        for message in await messaging.heads.system_messages(group):
            found |= {message.user_uuid, *(message.event.users if message.event else ())}
    return found


async def people_of(
    messaging: MessagingStore,
    user: UUID,
    rows: Iterable[InboxRow],
    members: Callable[[MessagingStore, UUID, Iterable[UUID]], Awaitable[set[UUID]]] = members_of,
) -> set[UUID]:
    """Return a user, and the peers, and by `members` the members, of the groups in these rows of the user."""
    found = {user}
    for row in rows:
        found |= {row.peer_uuid} if row.peer_uuid else await members(messaging, row.group_uuid, {row.last_by})
    return found
