"""Server processes as the table sees them: one that dies right after a commit, and several that meet faults."""

from typing import Any, cast
from uuid import UUID, uuid4

from app.concurrency import TaskSet
from app.concurrency.publish import Publish, discard_events
from app.gateways.dynamodb import Table
from app.messaging import items
from app.messaging.clock import now
from app.messaging.models import Message
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.users.service import Users
from tests.fixtures.app import Person, Service
from tests.tools.faults import FaultyClient


class Directory:
    """Stands for the users: every handle is a uuid."""

    async def uuid_of_handle(self, handle: str) -> UUID:
        return UUID(handle)


DIRECTORY = cast(Users, Directory())


def raw_client(service: Service) -> Any:
    """Return the client behind the gateway."""
    return service.state["table"]._client  # noqa: SLF001  # only tests look there


def process(
    service: Service, tasks: TaskSet, *, share: float, seed: int, publish: Publish = discard_events
) -> Messaging:
    """A server process of its own on the shared table, with a share of faulty calls."""
    client: Any = FaultyClient(raw_client(service), share=share, seed=seed)
    store = MessagingStore(Table(client, service.state["table"].name))
    return Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks, publish=publish)


async def crashed_send(service: Service, person: Person, group: UUID, *, number: int, uuid: UUID | None = None) -> UUID:
    """Append a message and nothing else, like a process that dies right after the commit."""
    message = Message(group, number, uuid or uuid4(), person.uuid, "sent by a dying process", now())
    await service.state["table"].put(items.new_message(message))
    return message.uuid
