"""The texts of messages that expire: items of their own, which DynamoDB deletes some time after the deadline.

    expiring text   MSG#<group>   X#<uuid of the message>   by sender · text · expires_at seconds since 1970

A log has no gaps, so its entries are never deleted: they have the deadline, and no text. A text is written before its
entry; that of a send which was never committed is deleted like any other. Whether a text has expired is a question to
the clock, never to the table, which deletes up to days late.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from app.gateways.dynamodb import ConditionFailed, Item, Key, Put, StoredItem, Table, Update
from app.messaging.clock import now
from app.messaging.errors import UuidTaken
from app.messaging.items import ABSENT, to_ms
from app.messaging.models import Message
from app.messaging.retention import KEEP_ALL, Retention
from app.messaging.visibility import has_expired

TTL_ATTRIBUTE = "expires_at"
KEPT_SECONDS = 3600
"""Seconds after the deadline before DynamoDB may delete a text: its message may get a somewhat later time."""
PREFIX = "X#"


def text_key(message: Message) -> Key:
    return {"pk": f"MSG#{message.group_uuid}", "sk": f"{PREFIX}{message.uuid}"}


def put_text(message: Message) -> Put:
    """Return the put of a text, again if it is there; it fails if a message with the same uuid has another one."""
    ends_at = to_ms(message.deadline) // 1000 + KEPT_SECONDS if message.deadline else 0
    content: Item = {"by": message.user_uuid, "text": message.text}
    return Put(
        {**text_key(message), **content, TTL_ATTRIBUTE: ends_at},
        f"{ABSENT} OR (#by = :by AND #text = :text)",
        {f":{name}": value for name, value in content.items()},
    )


class ExpiringTexts:
    """Reads and writes the texts of messages that expire. Every method may raise Unavailable."""

    def __init__(self, table: Table, retention: Retention = KEEP_ALL, clock: Callable[[], datetime] = now) -> None:
        self._table = table
        self.retention = retention
        self._clock = clock

    async def put(self, message: Message) -> None:
        """Write the text of a message that expires, or raise UuidTaken. 1 WCU; nothing for other messages."""
        if message.deadline is None or has_expired(message, self._clock()):
            return
        try:
            await self._table.put(put_text(message))
        except ConditionFailed as error:
            if error.item and "text" not in error.item:  # an earlier attempt was committed, and deleted since
                return
            raise UuidTaken from None

    async def fill(self, messages: Sequence[Message]) -> list[Message]:
        """Return messages with the texts that have not expired, and without those that have ended.

        0.5 RCU for each text that has not expired, 1.5 of one just sent.
        """
        at = self._clock()
        messages = self.retention.applied_to_all(messages, at)
        expiring = [message for message in messages if message.expires_in is not None]
        missing = [message for message in expiring if message.expires_at and not has_expired(message, at)]
        if not missing:
            return messages
        found = await self._table.batch_get([text_key(message) for message in missing])
        texts = {(item["pk"]["S"], item["sk"]["S"]): item for item in found}
        for message in missing:
            key = text_key(message)
            if (key["pk"], key["sk"]) not in texts and (item := await self._table.get(key, consistent=True)):
                texts[key["pk"], key["sk"]] = item
        return [_with_text(message, texts) if message.expires_at else message for message in messages]

    async def remove(self, message: Message) -> None:
        """Remove the text of a message, for good. 1 WCU."""
        with suppress(ConditionFailed):  # DynamoDB has deleted it
            await self._table.update(Update(text_key(message), "REMOVE #text", {}, condition="attribute_exists(#pk)"))


def _with_text(message: Message, texts: dict[tuple[str, str], StoredItem]) -> Message:
    key = text_key(message)
    item = texts.get((key["pk"], key["sk"]), {})
    return replace(message, text=item["text"]["S"]) if "text" in item else message
