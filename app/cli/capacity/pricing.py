"""The cost of the service's operations on DynamoDB: all formulae and prices.

Prices are assumptions that options of the command replace: Amazon's list prices of us-east-1, table class Standard, in
US dollars without tax, since the cut of on-demand prices on 2024-11-01. Later changes are not in them.

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

Rates are per second, averages over a day; a peak is a multiple of the average. Units are provisioned for the peak,
with room above it (`utilisation`), separately for table and index. A month has 730 hours.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.limits.rates import EVENT_TRAFFIC, READ_CAPACITY, TRAFFIC, WRITE_CAPACITY, Rate

AS_OF: Final = "us-east-1, list prices since 2024-11-01"
DAY_SECONDS: Final = 86_400
MONTH_HOURS: Final = 730
GB: Final = 10**9

MESSAGE_BYTES: Final = 108
"""Size of a message without its text: keys, ids, time."""
CHANGE_BYTES: Final = 130
"""Size of the entry of a reaction; that of an edit has the text, too."""
ROW_BYTES: Final = 300
INDEX_ENTRY_BYTES: Final = 148
"""Size of an entry of the inbox index, which holds keys only."""
OVERHEAD_BYTES: Final = 100
"""Bytes that Amazon bills on top of each stored item and index entry."""
HISTORY_PAGE: Final = 50

PARTITION_WRITES: Final = 1_000
PARTITION_READS: Final = 3_000
GROUP_SENDS: Final = 30
"""Sends a second that the service can do in one group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices in US dollars."""

    million_writes: float = 0.625
    million_reads: float = 0.125
    write_hour: float = 0.00065
    read_hour: float = 0.00013
    stored_gb: float = 0.25
    free_gb: float = 25.0
    backup_gb: float = 0.20
    """Point-in-time recovery, which is on in production."""
    traffic_gb: float = 0.09
    """Traffic from AWS to the internet."""

    def requests(self, *, writes: float = 0, reads: float = 0) -> float:
        """Return the price of these units on demand."""
        return (writes * self.million_writes + reads * self.million_reads) / 1e6

    def provisioned_month(self, *, writes: float = 0, reads: float = 0) -> float:
        """Return the price of these units, provisioned for a month."""
        return MONTH_HOURS * (writes * self.write_hour + reads * self.read_hour)

    def storage_month(self, gigabytes: float) -> float:
        """Return the price of storage and backups for a month."""
        return max(0.0, gigabytes - self.free_gb) * self.stored_gb + gigabytes * self.backup_gb


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


def change(text_bytes: int) -> Units:
    """Return the units of an edit, a deletion or a reaction of a message."""
    message = MESSAGE_BYTES + text_bytes
    return Units(
        write=write_units(CHANGE_BYTES) + write_units(message) + 2, read=1 + read_units(message, consistent=True)
    )


def first_contact(text_bytes: int) -> Units:
    """Return the units of one transaction: the message, two rows, their index entries, and the check for a block."""
    return Units(write=2 * (write_units(MESSAGE_BYTES + text_bytes) + 3), index_write=2, read=1)


def inbox_page(groups: int) -> Units:
    """Return the units of a page of the inbox, which reads all rows."""
    return Units(read=read_units(groups * ROW_BYTES))


def history_page(text_bytes: int, messages: int = HISTORY_PAGE) -> Units:
    """Return the units of a page of messages."""
    return Units(read=1 + read_units(messages * (MESSAGE_BYTES + text_bytes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCost:
    """The most that an account can cost in a month, in dollars: it uses up its budgets."""

    requests: float
    storage: float
    """The cost of the messages of that month, for each month that they are kept."""
    traffic: float

    @property
    def total(self) -> float:
        """Return the cost of the account's first month."""
        return self.requests + self.storage + self.traffic


def most_of_account(prices: Prices) -> AccountCost:
    """Return the most that an account can cost, when DynamoDB is billed on demand."""
    writes, reads = _month_of(WRITE_CAPACITY), _month_of(READ_CAPACITY)
    traffic = _month_of(TRAFFIC) + _month_of(EVENT_TRAFFIC)
    return AccountCost(
        requests=prices.requests(writes=writes, reads=reads),
        storage=writes * (1024 + OVERHEAD_BYTES) / GB * (prices.stored_gb + prices.backup_gb),
        traffic=traffic / GB * prices.traffic_gb,
    )


def _month_of(rate: Rate) -> float:
    return rate.burst + rate.per_second * MONTH_HOURS * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The use of the service: per user and day unless stated otherwise. Shares are between 0 and 1."""

    users: int
    messages: float
    text_bytes: int = 100
    groups: int = 20
    inbox_pages: float = 20
    history_pages: float = 30
    changes: float = 4
    deliveries: float = 20
    """Reports of what was received: fewer than messages, as a client makes one for those of two seconds."""
    first_contacts: float = 0.05
    new_bucket_share: float = 0.3
    compared_share: float = 0.5
    peak: float = 4
    busiest_group: float = 1
    """Messages a second in the busiest group of all."""
    busiest_user: float = 1
    """Messages a second that the busiest user sends and receives, over all groups."""

    def operations(self) -> dict[str, tuple[float, Units]]:
        """Return the average rate per second and the units of each operation."""
        second = self.users / DAY_SECONDS
        sends = max(0.0, self.messages - self.first_contacts) * second
        return {
            "send": (sends, send(self.text_bytes) + COMPARED * self.compared_share),
            "send, index": (sends * self.new_bucket_share, NEW_BUCKET),
            "change": (self.changes * second, change(self.text_bytes)),
            "first contact": (self.first_contacts * second, first_contact(self.text_bytes)),
            "mark read": (self.history_pages * second, MARK_READ),
            "mark delivered": (self.deliveries * second, MARK_DELIVERED),
            "inbox page": (self.inbox_pages * second, inbox_page(self.groups)),
            "history page": (self.history_pages * second, history_page(self.text_bytes)),
        }

    def average(self) -> Units:
        """Return the average units a second."""
        return sum((each * rate for rate, each in self.operations().values()), Units())

    def month_gb(self) -> float:
        """Return the gigabytes that a month adds to table and index."""
        month = self.users * MONTH_HOURS / 24
        message = MESSAGE_BYTES + self.text_bytes + OVERHEAD_BYTES
        changes = self.changes * (CHANGE_BYTES + OVERHEAD_BYTES)
        return month * (self.messages * message + changes + self.first_contacts * 2 * _row_bytes()) / GB

    def first_gb(self) -> float:
        """Return the gigabytes of the inboxes at the start."""
        return self.users * self.groups * _row_bytes() / GB


def _row_bytes() -> int:
    return ROW_BYTES + INDEX_ENTRY_BYTES + 2 * OVERHEAD_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """Units to provision."""

    write: int
    read: int
    index_write: int
    index_read: int = 1

    def month(self, prices: Prices) -> float:
        """Return the dollars a month."""
        return prices.provisioned_month(writes=self.write + self.index_write, reads=self.read + self.index_read)


def provision(units: Units, *, utilisation: float) -> Provisioned:
    """Return the units to provision for this use at this utilisation, at least 1 each."""
    write, index_write, read = (
        max(1, math.ceil(need / utilisation)) for need in (units.write, units.index_write, units.read)
    )
    return Provisioned(write=write, read=read, index_write=index_write)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The units and the cost of a workload. Dollars are per month; `storage` is that of the last month."""

    average: Units
    peak: Units
    provisioned: Provisioned
    month_gb: float
    stored_gb: float
    storage: float
    on_demand: float
    fixed: float
    """Provisioned for the peak, all day."""
    scaled: float
    """Provisioned and scaled without delay: a lower bound for auto scaling."""
    warnings: tuple[str, ...]

    @property
    def recommendation(self) -> str:
        if self.on_demand <= self.fixed:
            return "PAY_PER_REQUEST"
        return "PROVISIONED"


def plan(workload: Workload, prices: Prices, *, utilisation: float = 0.7, months: int = 12) -> Plan:
    """Return the plan for a workload; `months` is the age at which storage is reported."""
    average = workload.average()
    peak = average * workload.peak
    provisioned = provision(peak, utilisation=utilisation)
    stored = workload.first_gb() + months * workload.month_gb()
    month = average * (MONTH_HOURS * 3600)
    return Plan(
        average=average,
        peak=peak,
        provisioned=provisioned,
        month_gb=workload.month_gb(),
        stored_gb=stored,
        storage=prices.storage_month(stored),
        on_demand=prices.requests(writes=month.all_writes, reads=month.read),
        fixed=provisioned.month(prices),
        scaled=provision(average, utilisation=utilisation).month(prices),
        warnings=tuple(_warnings(workload)),
    )


def _warnings(workload: Workload) -> Iterator[str]:
    """Yield the keys whose load exceeds what the service or a partition of DynamoDB can do, whatever is provisioned."""
    if workload.busiest_group > GROUP_SENDS:
        yield f"the busiest group has {workload.busiest_group:g} messages/s; the service can do {GROUP_SENDS} in one"
    message = write_units(MESSAGE_BYTES + workload.text_bytes)
    page = history_page(workload.text_bytes).read - 1
    group, user = workload.busiest_group, workload.busiest_user
    inbox = inbox_page(workload.groups).read
    yield from _too_hot("the busiest group's log", write=group * message, read=group * 2 * page)
    yield from _too_hot("the busiest user's inbox", write=user, read=user * (1 + inbox))


def _too_hot(what: str, *, write: float, read: float = 0) -> Iterator[str]:
    """Yield a warning for a key beyond a partition's limits, with readers that fetch a page at each message."""
    if write > PARTITION_WRITES:
        yield f"{what} would take {write:,.0f} WCU; one partition has {PARTITION_WRITES:,}"
    if read > PARTITION_READS:
        yield f"{what} would take {read:,.0f} RCU; one partition has {PARTITION_READS:,}"
