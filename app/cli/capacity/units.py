"""The units that the service's operations take on DynamoDB: all formulae.

Units, by Amazon's rules (tests/messaging/test_capacity.py measures them):

    write   1 WCU per started KB of the item; in a transaction 2; an index entry that appears 1, that moves 2, also in a
            transaction (as captured on AWS; DynamoDB Local and ministack report twice that, 12 WCU for a first contact)
    read    1 RCU per started 4 KB; eventually consistent half of it; a Query is rounded up once, as a whole

    operation         table                                  index    read
    send              1 message + 2 inbox rows = 3 WCU       0        1 RCU for the sender's row
    … in a new ten    the same                               4 WCU    the same
    … compared        the same                               0        + 1 RCU if the peer wrote in between
    first contact     2 x (message + 2 rows + check) = 8     2 WCU    1 RCU
    change            entry + message + 2 inbox rows = 4 WCU         0        1 RCU for the row, 1 RCU for the message
    mark read         1 WCU                                  0        half a unit for the peer's row
    inbox page        0                                      0        half a unit per started 4 KB of all the rows
    history page      0                                      0        1 RCU + half a unit per started 4 KB of 50

    in a group of several members (tests/messaging/test_group_capacity.py measures them):

    send              message + head + sender's row = 3 WCU  0        1 RCU for the sender's row, 1 RCU for the head
    … with mentions   + 1 WCU for each mentioned member      0        the same
    … in a new ten    + 1 WCU a member + 2                   2 WCU a  1 RCU for the head, 1 RCU per started 4 KB of
                                                             member   members
                                                             + 2
    mark read         1 WCU                                  0        1 RCU each for row and head, half a unit each for
                                                                      those of the last sender
    inbox page        0                                      0        + half a unit for each such group that is active
    history page      0                                      0        + 1 RCU for the head
"""

import math
from dataclasses import dataclass
from typing import Final

MESSAGE_BYTES: Final = 108
"""Size of a message without its text: keys, ids, time."""
CHANGE_BYTES: Final = 130
"""Size of the entry of a reaction; that of an edit has the text, too."""
ROW_BYTES: Final = 300
INDEX_ENTRY_BYTES: Final = 148
"""Size of an entry of the inbox index, which holds keys only."""
OVERHEAD_BYTES: Final = 100
"""Bytes that Amazon bills on top of each stored item and index entry."""
MEMBER_BYTES: Final = 100
"""Size of a member of a group of several."""
HISTORY_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Units:
    """Units of the table and of its index. The index is not read for an inbox of up to 200 groups."""

    write: float = 0
    index_write: float = 0
    read: float = 0

    def __add__(self, other: "Units") -> "Units":
        return Units(self.write + other.write, self.index_write + other.index_write, self.read + other.read)

    def __mul__(self, factor: float) -> "Units":
        return Units(self.write * factor, self.index_write * factor, self.read * factor)

    @property
    def all_writes(self) -> float:
        return self.write + self.index_write


def write_units(size: int) -> int:
    """Return the WCU of one item of this many bytes."""
    return max(1, math.ceil(size / 1024))


def read_units(size: int, *, consistent: bool = False) -> float:
    """Return the RCU of one item, or of all items that a Query reads."""
    return max(1, math.ceil(size / 4096)) * (1 if consistent else 0.5)


def send(text_bytes: int) -> Units:
    """Return the units of a send within ten minutes of the message before."""
    return Units(write=write_units(MESSAGE_BYTES + text_bytes) + 2, read=1)


NEW_BUCKET: Final = Units(index_write=4)
"""Added to a send that moves both rows in the index."""
COMPARED: Final = Units(read=1)
"""Added to a send after the peer's, which has to be told from a retry."""
MARK_READ: Final = Units(write=1, read=0.5)
MARK_DELIVERED: Final = MARK_READ


MARK_IN_GROUP: Final = Units(write=1, read=3)
HEAD_READ: Final = Units(read=1)
"""Added to what reads the row of a member of a group of several."""


def send_to_group(text_bytes: int, mentions: float) -> Units:
    """Return the units of a send to a group of several within ten minutes of the message before."""
    return send(text_bytes) + HEAD_READ + Units(write=mentions)


def new_group_bucket(members: int) -> Units:
    """Return what is added to a send to a group of several after which the rows of its members are told."""
    return Units(
        write=members + 2,
        index_write=2 * members + 2,
        read=1 + read_units(members * MEMBER_BYTES, consistent=True),
    )


def change(text_bytes: int) -> Units:
    """Return the units of an edit, a deletion or a reaction of a message."""
    message = MESSAGE_BYTES + text_bytes
    return Units(
        write=write_units(CHANGE_BYTES) + write_units(message) + 2, read=1 + read_units(message, consistent=True)
    )


def first_contact(text_bytes: int) -> Units:
    """Return the units of one transaction: the message, two rows, their index entries, and the check for a block."""
    return Units(write=2 * (write_units(MESSAGE_BYTES + text_bytes) + 3), index_write=2, read=1)


def inbox_page(groups: int, active: float = 0) -> Units:
    """Return the units of a page of the inbox, which reads all rows, and the heads of active groups of several."""
    return Units(read=read_units(groups * ROW_BYTES) + active / 2)


def history_page(text_bytes: int, messages: int = HISTORY_PAGE) -> Units:
    """Return the units of a page of messages."""
    return Units(read=1 + read_units(messages * (MESSAGE_BYTES + text_bytes)))
