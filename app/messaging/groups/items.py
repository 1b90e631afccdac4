"""Spells the heads of groups of several members, and what members' rows have from them.

    head     GRP#<group>   META         title · members count · last · at · by · text · k · changed · until · v ·
                                        systems numbers · all (newcomers see the whole log) · bumped bucket ·
                                        structure, the version that members' rows must have · digest of the creation

A send writes the head, and of the rows only its sender's. Members' rows are told once in each bucket, that is ten
minutes, in which the group is active; they are `open` from then on, as the head may say more. A row that was read open
after its bucket is told once more and closed. So a reader asks heads of active groups only, and nothing is written for
each member and message.

While rows are to be told, the head has an entry in the index, under one key for all groups, where any process finds it.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from app.gateways.dynamodb import (
    Item,
    Key,
    Put,
    Query,
    StoredItem,
    Update,
    text_to_uuid,
    to_known_uuid,
    unmarshal_item,
)
from app.messaging.groups.models import HEAD, MAX_SYSTEMS
from app.messaging.inbox_items import BUCKET_MS, INBOX_INDEX, bucket, folder_of
from app.messaging.items import ABSENT, assign, from_ms, index_key, time_or_none, to_ms
from app.messaging.models import Message
from app.messaging.preview import preview
from app.messaging.row_models import Folder, InboxRow

BUMP = "BUMP"
"""The key of the index under which heads are that rows are to be told of."""
TOLD = ("last", "at", "by", "text", "k", "changed", "until", "title", "members", "systems", "all")
"""The attributes of a head that rows have, too."""
QUIET = timedelta(minutes=2)
"""Time after a bucket in which its last writes of the head are over: a projection is retried for a minute."""


def head_key(group: object) -> Key:
    return {"pk": f"GRP#{group}", "sk": "META"}


def is_head(item: StoredItem) -> bool:
    """Return whether an item of the whole table is a head."""
    return item["sk"] == {"S": "META"}


def told_by(head: StoredItem, row: StoredItem) -> StoredItem:
    """Return a member's row with what the head says, if the head says more, which is not for a former member."""
    if "state" in row or int(head["v"]["N"]) <= int(row["hv"]["N"]):
        return row
    left = TOLD if folder_told(head, row) is folder_of(row) else (*TOLD, "folder")
    own = {name: value for name, value in row.items() if name not in left}
    return {**own, **{name: head[name] for name in TOLD if name in head}, "hv": head["v"]}


def folder_told(head: StoredItem, row: StoredItem) -> Folder:
    """Return the folder of a row with what the head says: a message brings it back from the archive, unless muted."""
    folder, muted = folder_of(row), time_or_none(row, "muted")
    if folder is not Folder.ARCHIVE or (muted and muted > from_ms(int(head["at"]["N"]))):
        return folder
    told = range(int(row["last"]["N"]) + 1, int(head["last"]["N"]) + 1)
    systems = map(int, head["systems"]["NS"]) if "systems" in head else ()
    return folder if frozenset(told) <= frozenset(systems) else Folder.INBOX


def to_head(item: StoredItem) -> InboxRow:
    """Return a head as a row of HEAD's."""
    return InboxRow(
        user_uuid=HEAD,
        group_uuid=text_to_uuid(item["pk"]["S"][4:]),
        peer_uuid=None,
        last_number=int(item["last"]["N"]),
        last_at=from_ms(int(item["at"]["N"])),
        last_by=to_known_uuid(item["by"]["B"]),
        preview=item["text"]["S"],
        read_number=0,
        version=0,
        change_number=int(item["k"]["N"]) if "k" in item else 0,
        changed_at=time_or_none(item, "changed"),
        expires_at=time_or_none(item, "until"),
        title=item["title"]["S"],
        member_count=int(item["members"]["N"]),
        systems=frozenset(map(int, item["systems"]["NS"])) if "systems" in item else frozenset(),
        head_version=int(item["v"]["N"]),
        is_open="inbox" in item,
        shows_history="all" in item,
    )


def is_new_bucket(head: StoredItem, at: int) -> bool:
    """Return whether no process knows yet that rows are to be told of these ten minutes, and they were not."""
    return at > max(int(head[name]["N"]) for name in ("bumped", "activity_bucket") if name in head)


def is_quiet(row: InboxRow, at: datetime) -> bool:
    """Return whether an open row can be closed, as far as it knows: its bucket is over, and with it writes of it."""
    active_at = max(row.last_at, row.changed_at) if row.changed_at else row.last_at
    return row.is_open and bucket(at - QUIET) > bucket(active_at)


def new_head(message: Message, *, title: str, members: int, digest: bytes, shows_history: bool) -> Put:
    """Return the put of a head after the message that tells of the creation; it fails if there is one."""
    item: Item = {
        **head_key(message.group_uuid),
        "title": title,
        "members": members,
        "last": message.number,
        "at": to_ms(message.created_at),
        "by": message.user_uuid,
        "text": "",
        "systems": frozenset({message.number}),
        "bumped": bucket(message.created_at),
        "structure": 1,
        "digest": digest,
        "v": 1,
    }
    return Put(item | ({"all": True} if shows_history else {}), condition=ABSENT)


def advance_head(message: Message) -> Update:
    """Return the update that moves a head forward to a message; it fails for one that is there or beyond."""
    expression = "SET #last = :last, #at = :at, #by = :by, #text = :text, #v = #v + :one"
    values: Item = {
        ":last": message.number,
        ":at": to_ms(message.created_at),
        ":by": message.user_uuid,
        ":text": "" if message.expires_in is not None else preview(message.text),
        ":one": 1,
    }
    if message.deadline:
        expression, values[":until"] = f"{expression}, #until = :until", to_ms(message.deadline)
    else:
        expression += " REMOVE #until"
    return Update(head_key(message.group_uuid), expression, values, condition="#last < :last")


def change_head(message: Message, head: InboxRow, *, members: int = 0, **attributes: str | bool) -> Update:
    """Return the update of a head by a system message, with so many more members and other attributes.

    It fails unless the head is as it was read. All rows are to be told: the head enters the index. The preview becomes
    empty: new members may not read the text of before, and a change of its message would not find it.
    """
    wanted: Item = {
        "last": message.number,
        "at": to_ms(message.created_at),
        "by": message.user_uuid,
        "text": "",
        "systems": frozenset(sorted({*head.systems, message.number})[-MAX_SYSTEMS:]),
        "v": head.head_version + 1,
        "structure": head.head_version + 1,
        "inbox": BUMP,
        "activity_bucket": bucket(message.created_at),
        **attributes,
    }
    expression, values = assign(wanted, ["until"], first=["#members = #members + :more"])
    values |= {":more": members, ":seen": head.head_version}
    return Update(head_key(message.group_uuid), expression, values, condition="#v = :seen")


def in_known_bucket(update: Update, at: int) -> Update:
    """Return the update of a head in ten minutes of which rows are told, or to be told; it fails in later ones."""
    condition = f"({update.condition}) AND (#bumped >= :told OR #activity_bucket >= :told)"
    return replace(update, condition=condition, values={**update.values, ":told": at})


def in_new_bucket(update: Update, at: int) -> Update:
    """Return the update of a head after which any process finds that rows are to be told of it."""
    expression = update.expression.replace("SET ", "SET #inbox = :inbox, #activity_bucket = :told, ", 1)
    return replace(update, expression=expression, values={**update.values, ":inbox": BUMP, ":told": at})


def finish_bump(head: StoredItem) -> Update:
    """Return the update after all rows were told what a head said; it fails if they are to be told of more."""
    return Update(
        _key_of(head),
        "SET #bumped = :bucket REMOVE #inbox, #activity_bucket",
        {":bucket": int(head["activity_bucket"]["N"]), ":v": int(head["v"]["N"])},
        condition="#activity_bucket = :bucket AND #structure <= :v",
    )


def pending_bumps(limit: int) -> Query:
    """Return the query for the keys of heads that rows are to be told of."""
    return Query("#inbox = :inbox", {":inbox": BUMP}, index=INBOX_INDEX, limit=limit)


def tell_row(head: StoredItem, user: UUID, row: StoredItem | None = None, *, is_last: bool = False) -> Update:
    """Return the update that tells an active member's row what a head says, and opens it, or closes it at last.

    It fails for a row that knows more; one to be closed may know as much. It fails for a row in another folder than the
    inbox, too, unless that is given, and has not changed since it was read.
    """
    folder = folder_told(head, row) if row else Folder.INBOX
    wanted: Item = {name: value for name, value in unmarshal_item(head).items() if name in TOLD}
    gone = {*TOLD} - wanted.keys()
    bucket_of_head = int(head["at"]["N"]) // BUCKET_MS
    wanted |= {"hv": int(head["v"]["N"]), "inbox": index_key(user, folder), "activity_bucket": bucket_of_head}
    if is_last:
        gone.add("open")
    else:
        wanted["open"] = True
    if row and folder is Folder.INBOX:
        gone.add("folder")
    expression, values = assign(wanted, gone)
    knows_less = "#hv <= :hv AND attribute_exists(#open)" if is_last else "#hv < :hv"
    is_as_read, seen = ("#v = :seen", {":seen": int(row["v"]["N"])}) if row else ("attribute_not_exists(#folder)", {})
    condition = f"{knows_less} AND attribute_not_exists(#state) AND {is_as_read}"
    return Update({"pk": f"USR#{user}", "sk": _key_of(head)["pk"]}, expression, values | seen, condition)


def _key_of(item: StoredItem) -> Key:
    return {"pk": item["pk"]["S"], "sk": item["sk"]["S"]}
