"""The contents of the boot camp's table in a temporary SQLite file, in which they are sorted and matched.

Memory is bounded, however large the table is. Of `people`, `target` is the user that a person becomes. `copies` are
the messages with the uuid of an earlier one of their log; `is_same` says that they have its sender and text, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from app.cli.bootcamp.source import OldMessage, OldPerson, OldRow, made_uuid
from app.cli.temporary import TemporaryDatabase
from app.messaging.models import Message, direct_group_uuid
from app.messaging.schemas import MAX_TEXT

SCHEMA = """
    CREATE TABLE messages (
        old_group TEXT, key TEXT, part INTEGER, base BLOB, uuid BLOB, sender BLOB, text TEXT, at INTEGER,
        PRIMARY KEY (old_group, key, part)
    ) WITHOUT ROWID;
    CREATE TABLE members (old_group TEXT, person BLOB, by_row INTEGER, PRIMARY KEY (old_group, person, by_row))
        WITHOUT ROWID;
    CREATE TABLE people (
        uuid BLOB PRIMARY KEY, handle TEXT, name TEXT, at INTEGER, email TEXT, subject TEXT,
        target BLOB, finding TEXT, new_handle TEXT, new_name TEXT
    ) WITHOUT ROWID;
    CREATE INDEX people_new_handle ON people (new_handle);
    CREATE INDEX people_target ON people (target);
    CREATE INDEX people_subject ON people (subject);
    CREATE TABLE groups (old_group TEXT PRIMARY KEY, log BLOB, one BLOB, other BLOB) WITHOUT ROWID;
    CREATE INDEX groups_log ON groups (log);
    CREATE TABLE logged (log BLOB, uuid BLOB, PRIMARY KEY (log, uuid)) WITHOUT ROWID;
    CREATE TABLE unusable (thing TEXT PRIMARY KEY, reason TEXT) WITHOUT ROWID;
    CREATE VIEW strangers AS
        SELECT old_group, key, part FROM messages JOIN people ON people.uuid = sender JOIN groups USING (old_group)
        WHERE target NOT IN (one, other);
    CREATE VIEW copies AS
        SELECT old_group, key, is_same FROM (
            SELECT old_group, key, row_number() OVER log_order AS place,
                sender = first_value(sender) OVER log_order AND text = first_value(text) OVER log_order AS is_same
            FROM messages JOIN groups USING (old_group) WHERE part = 0
            WINDOW log_order AS (PARTITION BY log, base ORDER BY at, old_group, key)
        ) WHERE place > 1;
    CREATE VIEW moves AS
        SELECT old_group, log, one, other, count(*) AS messages, count(*) - count(logged.uuid) AS missing
        FROM groups JOIN messages USING (old_group) LEFT JOIN logged USING (log, uuid) GROUP BY old_group;
    CREATE VIEW missing AS
        SELECT log, messages.uuid AS uuid, target, text, messages.at AS at, base, part
        FROM groups JOIN messages USING (old_group) LEFT JOIN logged USING (log, uuid)
        JOIN people ON people.uuid = sender WHERE logged.uuid IS NULL;
"""
ADD_MESSAGE: Final = "INSERT OR REPLACE INTO messages VALUES (?1, ?2, ?3, ?4, part_uuid(?4, ?3), ?5, ?6, ?7)"
PLACE_MESSAGES: Final = (
    """
    INSERT OR REPLACE INTO unusable
    SELECT 'MSG#' || old_group || ' ' || key, 'its sender is not a member of the group' FROM strangers
    """,
    "DELETE FROM messages WHERE (old_group, key, part) IN strangers",
    "DELETE FROM messages WHERE (old_group, key) IN (SELECT old_group, key FROM copies WHERE is_same)",
    """
    UPDATE messages SET base = made_uuid(old_group, key), uuid = part_uuid(made_uuid(old_group, key), part)
    WHERE (old_group, key) IN (SELECT old_group, key FROM copies)
    """,
)
"""In this order: what strangers wrote is left behind, of equal copies the first stays, any other gets its own uuid."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
FROM_POSTGRES: Final = 2**62
"""The time of a user's names in Postgres, which count more than those of any item."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two users, their new group, and the numbers of its messages in the old table and of those not in the log yet."""

    log: UUID
    one: UUID
    other: UUID
    messages: int
    missing: int

    @property
    def members(self) -> tuple[tuple[UUID, UUID], tuple[UUID, UUID]]:
        """Return each user with the peer."""
        return (self.one, self.other), (self.other, self.one)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the old table or database; the names are as they were written there."""

    uuid: UUID
    handle: str
    name: str
    email: str | None
    subject: str


class Archive(TemporaryDatabase):
    """Takes items, people and the uuids that logs have already, and answers what is to be done."""

    def __init__(self) -> None:
        super().__init__(SCHEMA)
        self._db.create_function("made_uuid", 2, lambda group, key: made_uuid(group, key).bytes)
        self._db.create_function("part_uuid", 2, lambda uuid, part: part_uuid(UUID(bytes=uuid), part).bytes)

    def add(self, found: OldRow | OldMessage) -> None:
        """Add an item of the old table."""
        if isinstance(found, OldRow):
            for person in filter(None, (OldPerson(found.owner), found.other)):
                self._add_member(found.group, person, found.at, by_row=True)
            return
        self._add_member(found.group, found.sender, found.at, by_row=False)
        base, sender, at = found.uuid.bytes, found.sender.uuid.bytes, _microseconds(found.at)
        for part, start in enumerate(range(0, len(found.text), MAX_TEXT)):
            text = found.text[start : start + MAX_TEXT]
            self._db.execute(ADD_MESSAGE, (found.group, found.key, part, base, sender, text, at))

    def _add_member(self, group: str, person: OldPerson, at: datetime, *, by_row: bool) -> None:
        self._db.execute("INSERT OR IGNORE INTO members VALUES (?, ?, ?)", (group, person.uuid.bytes, by_row))
        self.add_person(Person(person.uuid, person.handle, person.name, None, ""), _microseconds(at))

    def add_person(self, person: Person, at: int = FROM_POSTGRES) -> None:
        """Add a person; of several names those of the latest time count, and empty names never."""
        self._db.execute(
            """
            INSERT INTO people (uuid, handle, name, at, email, subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET handle = ?2, name = ?3, at = ?4, email = ?5, subject = ?6
            WHERE ?4 >= at AND ?2 || ?3 <> '' OR handle || name = ''
            """,
            (person.uuid.bytes, person.handle, person.name, at, person.email, person.subject),
        )

    def leave(self, thing: str, reason: str) -> None:
        """Record what cannot be brought over, and why."""
        self._db.execute("INSERT OR REPLACE INTO unusable VALUES (?, ?)", (thing, reason))

    def left(self) -> Iterator[tuple[str, str]]:
        """Yield what cannot be brought over, with the reason."""
        yield from self._db.execute("SELECT thing, reason FROM unusable ORDER BY thing")

    def counts(self) -> dict[str, int]:
        """Return the numbers of messages that have a place, of old groups, of pairs and of what is left behind."""
        found = self._db.execute(
            """
            SELECT (SELECT count(*) FROM messages JOIN groups USING (old_group)),
                (SELECT count(DISTINCT old_group) FROM members),
                (SELECT count(DISTINCT log) FROM groups), (SELECT count(*) FROM unusable)
            """
        ).fetchone()
        return dict(zip(("messages", "old_groups", "pairs", "left"), found, strict=True))

    def people(self) -> Iterator[Person]:
        """Yield all people in the order of their uuids."""
        for uuid, *names in self._db.execute("SELECT uuid, handle, name, email, subject FROM people ORDER BY uuid"):
            yield Person(UUID(bytes=uuid), *names)

    def decide(self, person: UUID, target: UUID, finding: str, handle: str, name: str) -> None:
        """Record the user that a person becomes: an existing one, or a new one with these names."""
        self._db.execute(
            "UPDATE people SET target = ?, finding = ?, new_handle = ?, new_name = ? WHERE uuid = ?",
            (target.bytes, finding, handle, name, person.bytes),
        )

    def planned(self, handle: str) -> UUID | None:
        """Return the person that is to become the user with this handle, if there is one already."""
        found = self._db.execute("SELECT target FROM people WHERE new_handle = ?", (handle,)).fetchone()
        return UUID(bytes=found[0]) if found else None

    def handle(self, user: UUID) -> str:
        """Return the handle that a user of the groups has or gets."""
        handle: str = self._db.execute("SELECT new_handle FROM people WHERE target = ?", (user.bytes,)).fetchone()[0]
        return handle

    def shares_subject(self, person: Person) -> bool:
        """Return whether several people have this person's subject."""
        return self._count("SELECT count(*) FROM people WHERE subject = ?", person.subject) > 1

    def _count(self, query: str, value: str) -> int:
        return int(self._db.execute(query, (value,)).fetchone()[0])

    def decisions(self) -> Iterator[tuple[Person, UUID, str]]:
        """Yield each person with its new names, the user that it becomes, and the finding about it."""
        found = self._db.execute(
            "SELECT uuid, new_handle, new_name, email, subject, target, finding FROM people ORDER BY new_handle"
        )
        for uuid, handle, name, email, subject, target, finding in found:
            yield Person(UUID(bytes=uuid), handle, name, email, subject), UUID(bytes=target), finding

    def pair_up(self) -> None:
        """Find the two members of each old group, and leave behind the groups and messages that have no place."""
        for (group,) in self._db.execute("SELECT DISTINCT old_group FROM members").fetchall():
            pair = self._pair(group)
            if isinstance(pair, str):
                size = self._count("SELECT count(*) FROM messages WHERE old_group = ? AND part = 0", group)
                self.leave(f"group {group}", f"{pair}: {size:,} messages")
            else:
                one, other, log = pair[0].bytes, pair[1].bytes, direct_group_uuid(*pair).bytes
                self._db.execute("INSERT INTO groups VALUES (?, ?, ?, ?)", (group, log, one, other))
        for statement in PLACE_MESSAGES:
            self._db.execute(statement)

    def _pair(self, group: str) -> list[UUID] | str:
        """Return the members by the group's rows or, where these do not name two, by its senders; or why not."""
        sql = "SELECT target, by_row FROM members JOIN people ON uuid = person WHERE old_group = ?"
        found = self._db.execute(sql, (group,)).fetchall()
        by_rows = {UUID(bytes=target) for target, by_row in found if by_row}
        senders = {UUID(bytes=target) for target, by_row in found if not by_row}
        if not senders:
            return "nothing in it can be brought over"
        for members in (by_rows, by_rows | senders, senders):
            if len(members) == 2:
                return sorted(members)
        return "only one member is known" if len(by_rows | senders) < 2 else "has more than two members"

    def logs(self) -> Iterator[Pair]:
        """Yield the pairs with messages."""
        found = self._db.execute("SELECT log, one, other, sum(messages), sum(missing) FROM moves GROUP BY log")
        for log, one, other, messages, missing in found:
            yield Pair(UUID(bytes=log), UUID(bytes=one), UUID(bytes=other), messages, missing)

    def moves(self) -> Iterator[tuple[str, UUID, UUID, UUID, int, int]]:
        """Yield each old group with the new one, its members, and how many messages it has and how many are missing."""
        found = self._db.execute(
            "SELECT old_group, log, one, other, messages, missing FROM moves ORDER BY log, old_group"
        )
        for group, log, one, other, messages, missing in found:
            yield group, UUID(bytes=log), UUID(bytes=one), UUID(bytes=other), messages, missing

    def missing(self, pair: Pair) -> Iterator[Message]:
        """Yield the messages that are not in the pair's log yet, oldest first, numbered from 1."""
        found = self._db.execute(
            "SELECT uuid, target, text, at FROM missing WHERE log = ? ORDER BY at, base, part", (pair.log.bytes,)
        )
        for number, (uuid, sender, text, at) in enumerate(found, 1):
            created_at = EPOCH + timedelta(milliseconds=at // 1000)
            yield Message(pair.log, number, UUID(bytes=uuid), UUID(bytes=sender), text, created_at)

    def record_logged(self, messages: Iterable[Message]) -> None:
        """Record that logs have these messages."""
        rows = ((message.group_uuid.bytes, message.uuid.bytes) for message in messages)
        self._db.executemany("INSERT OR IGNORE INTO logged VALUES (?, ?)", rows)

    def is_logged(self, message: Message) -> bool:
        """Return whether the log is known to have this message."""
        key = (message.group_uuid.bytes, message.uuid.bytes)
        return self._db.execute("SELECT 1 FROM logged WHERE log = ? AND uuid = ?", key).fetchone() is not None


def part_uuid(uuid: UUID, part: int) -> UUID:
    """Return the uuid of a part of a text that is too long for one message; the first part has the message's own."""
    return uuid5(uuid, str(part)) if part else uuid


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND
