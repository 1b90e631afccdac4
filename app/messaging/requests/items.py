"""Spells what a request has beside the other attributes of its two inbox rows, and the updates that end it.

    row of the receiver    folder: requests · state: left, once it is declined
    row of the requester   awaits, until the receiver has accepted

A message of the receiver accepts, too, in the update that moves each row to it; an attribute of a row that a later
message has moved is made up for.
"""

from dataclasses import replace
from uuid import UUID

from app.gateways.dynamodb import Check, Query, Update, Write
from app.messaging.inbox_items import bucket
from app.messaging.items import inbox_key, index_key, messages_between
from app.messaging.models import LAST_NUMBER
from app.messaging.row_models import Folder, InboxRow, MemberState


def accept(row: InboxRow) -> Update:
    """Return the update that moves a receiver's row to the inbox; it fails for one that is in another folder."""
    inbox, requests = index_key(row.user_uuid, Folder.INBOX), str(Folder.REQUESTS)
    return Update(
        inbox_key(row.user_uuid, row.group_uuid),
        "SET #inbox = :inbox, #activity_bucket = if_not_exists(#activity_bucket, :bucket), #v = #v + :one"
        " REMOVE #folder, #state",
        {":inbox": inbox, ":bucket": bucket(row.last_at), ":one": 1, ":requests": requests},
        condition="#folder = :requests",
    )


def stop_waiting(user: UUID, group: UUID) -> Update:
    """Return the update that lets a requester write on. The version stays: the requester's own view does not change."""
    return Update(inbox_key(user, group), "REMOVE #awaits", {}, condition="attribute_exists(#v)")


def decline(user: UUID, group: UUID) -> Update:
    """Return the update that takes a request from the receiver's lists; it fails for a row that is none."""
    return Update(
        inbox_key(user, group),
        "SET #state = :left, #v = #v + :one REMOVE #inbox, #activity_bucket",
        {":left": str(MemberState.LEFT), ":one": 1, ":requests": str(Folder.REQUESTS)},
        condition="#folder = :requests AND attribute_not_exists(#state)",
    )


def wait_again(row: InboxRow) -> list[Write]:
    """Return the writes of a transaction that makes a requester wait, as long as the receiver has not accepted."""
    own, receivers = inbox_key(row.user_uuid, row.group_uuid), inbox_key(row.receiver_uuid, row.group_uuid)
    return [
        Update(own, "SET #awaits = :yes", {":yes": True}, condition="attribute_exists(#v)"),
        Check(receivers, "#folder = :requests", {":requests": str(Folder.REQUESTS)}),
    ]


def messages_of(user: UUID, group: UUID) -> Query:
    """Return the query for a user's messages in a group, strongly consistent."""
    every = messages_between(group, 1, LAST_NUMBER, consistent=True)
    return replace(every, filter="#by = :by", values={**every.values, ":by": user})
