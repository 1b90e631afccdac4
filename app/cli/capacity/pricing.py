"""What the service's operations cost on DynamoDB: the formulae and the prices, in this one file.

Prices are assumptions that the command takes other values for: Amazon's list prices of us-east-1, table class
Standard, in US dollars without tax, as they stand since the cut of on-demand prices on 2024-11-01; they do not follow
Amazon.

Units, by Amazon's rules (data-model.md has the same figures, tests/messaging/test_capacity.py measures them):

    write   1 WCU per started KB of the item; in a transaction 2; an index entry that appears 1, that moves 2
    read    1 RCU per started 4 KB; eventually consistent half of it; a Query is rounded up once, as a whole

    operation         table                                  index    read
    send              1 message + 2 inbox rows = 3 WCU       0        1 RCU for one's own row
    … in a new ten    the same                               4 WCU    the same
    … compared        the same                               0        + 1 RCU when others wrote in between
    first contact     2 x (message + 2 rows + check) = 8     2 WCU    1 RCU
    mark read         1 WCU                                  0        0
    inbox page        0                                      0        half a unit per started 4 KB of all the rows
    history page      0                                      0        1 RCU + half a unit per started 4 KB of 50

Rates are per second, averages over a day; a peak is a multiple of the average. Provisioned units are bought for the
peak, with room above it (`utilisation`), separately for table and index. A month has 730 hours.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

AS_OF: Final = "us-east-1, list prices since 2024-11-01"
DAY_SECONDS: Final = 86_400
MONTH_HOURS: Final = 730
GB: Final = 10**9

MESSAGE_BYTES: Final = 108
"""A message without its text: keys, ids, time."""
ROW_BYTES: Final = 300
INDEX_ENTRY_BYTES: Final = 148
"""Of the inbox index, which holds keys only."""
OVERHEAD_BYTES: Final = 100
"""Amazon's, added to what is billed for each stored item and index entry."""
HISTORY_PAGE: Final = 50

PARTITION_WRITES: Final = 1_000
PARTITION_READS: Final = 3_000
GROUP_SENDS: Final = 30
"""Sends a second that the service takes for one group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars."""

    million_writes: float = 0.625
    million_reads: float = 0.125
    write_hour: float = 0.00065
    read_hour: float = 0.00013
    stored_gb: float = 0.25
    free_gb: float = 25.0
    backup_gb: float = 0.20
    """Point-in-time recovery, which is on in production."""

    def requests(self, *, writes: float = 0, reads: float = 0) -> float:
        """On demand, of this many units."""
        return (writes * self.million_writes + reads * self.million_reads) / 1e6

    def provisioned_month(self, *, writes: float = 0, reads: float = 0) -> float:
        """Of units that are bought for a whole month."""
        return MONTH_HOURS * (writes * self.write_hour + reads * self.read_hour)

    def storage_month(self, gigabytes: float) -> float:
        return max(0.0, gigabytes - self.free_gb) * self.stored_gb + gigabytes * self.backup_gb


@dataclass(frozen=True, slots=True)
class Units:
    """What something takes of the table and of its index. Nothing reads the index of an inbox of up to 200 groups."""

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
    """Of one item of this many bytes."""
    return max(1, math.ceil(size / 1024))


def read_units(size: int, *, consistent: bool = False) -> float:
    """Of one item, or of all that one Query reads."""
    return max(1, math.ceil(size / 4096)) * (1 if consistent else 0.5)


def send(text_bytes: int) -> Units:
    """To one other person, within the ten minutes of the message before."""
    return Units(write=write_units(MESSAGE_BYTES + text_bytes) + 2, read=1)


NEW_BUCKET: Final = Units(index_write=4)
"""On top of a send: both rows move in the index."""
COMPARED: Final = Units(read=1)
"""On top of a send: somebody wrote since, so a retry has to be told from a new message."""
MARK_READ: Final = Units(write=1)


def first_contact(text_bytes: int) -> Units:
    """One transaction: the message, two rows that appear in the index, and the check for a block."""
    return Units(write=2 * (write_units(MESSAGE_BYTES + text_bytes) + 3), index_write=2, read=1)


def inbox_page(groups: int) -> Units:
    """All rows are read, whatever the page shows of them."""
    return Units(read=read_units(groups * ROW_BYTES))


def history_page(text_bytes: int, messages: int = HISTORY_PAGE) -> Units:
    return Units(read=1 + read_units(messages * (MESSAGE_BYTES + text_bytes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What people do: per user and day unless it says otherwise. Shares are between 0 and 1."""

    users: int
    messages: float
    text_bytes: int = 100
    groups: int = 20
    inbox_pages: float = 20
    history_pages: float = 30
    first_contacts: float = 0.05
    new_bucket_share: float = 0.3
    compared_share: float = 0.5
    peak: float = 4
    busiest_group: float = 1
    """Messages a second in the busiest group of all."""
    busiest_user: float = 1
    """Messages a second that the busiest user sends and gets, over all groups."""

    def operations(self) -> dict[str, tuple[float, Units]]:
        """Of each operation how often it happens in a second on average, and what it takes each time."""
        second = self.users / DAY_SECONDS
        sends = max(0.0, self.messages - self.first_contacts) * second
        return {
            "send": (sends, send(self.text_bytes) + COMPARED * self.compared_share),
            "send, index": (sends * self.new_bucket_share, NEW_BUCKET),
            "first contact": (self.first_contacts * second, first_contact(self.text_bytes)),
            "mark read": (self.history_pages * second, MARK_READ),
            "inbox page": (self.inbox_pages * second, inbox_page(self.groups)),
            "history page": (self.history_pages * second, history_page(self.text_bytes)),
        }

    def average(self) -> Units:
        """Units a second."""
        return sum((each * rate for rate, each in self.operations().values()), Units())

    def month_gb(self) -> float:
        """What a month adds to table and index."""
        month = self.users * MONTH_HOURS / 24
        message = MESSAGE_BYTES + self.text_bytes + OVERHEAD_BYTES
        return month * (self.messages * message + self.first_contacts * 2 * _row_bytes()) / GB

    def first_gb(self) -> float:
        """What the inboxes take that people have from the beginning."""
        return self.users * self.groups * _row_bytes() / GB


def _row_bytes() -> int:
    return ROW_BYTES + INDEX_ENTRY_BYTES + 2 * OVERHEAD_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """Units to buy."""

    write: int
    read: int
    index_write: int
    index_read: int = 1

    def month(self, prices: Prices) -> float:
        """Dollars."""
        return prices.provisioned_month(writes=self.write + self.index_write, reads=self.read + self.index_read)


def provision(units: Units, *, utilisation: float) -> Provisioned:
    """Enough for these, with the wanted room; nothing can be had below 1."""
    write, index_write, read = (
        max(1, math.ceil(need / utilisation)) for need in (units.write, units.index_write, units.read)
    )
    return Provisioned(write=write, read=read, index_write=index_write)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a workload takes and costs. Dollars are per month; `storage` is that of the last of the months."""

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
    """Provisioned and following the load without any delay: a lower bound of what auto scaling reaches."""
    warnings: tuple[str, ...]

    @property
    def recommendation(self) -> str:
        if self.on_demand <= self.fixed:
            return "PAY_PER_REQUEST"
        return "PROVISIONED"


def plan(workload: Workload, prices: Prices, *, utilisation: float = 0.7, months: int = 12) -> Plan:
    """The whole answer; `months` is when storage is looked at."""
    average = workload.average()
    peak = average * workload.peak
    bought = provision(peak, utilisation=utilisation)
    stored = workload.first_gb() + months * workload.month_gb()
    month = average * (MONTH_HOURS * 3600)
    return Plan(
        average=average,
        peak=peak,
        provisioned=bought,
        month_gb=workload.month_gb(),
        stored_gb=stored,
        storage=prices.storage_month(stored),
        on_demand=prices.requests(writes=month.all_writes, reads=month.read),
        fixed=bought.month(prices),
        scaled=provision(average, utilisation=utilisation).month(prices),
        warnings=tuple(_warnings(workload)),
    )


def _warnings(workload: Workload) -> Iterator[str]:
    """Where one key takes more than the service, or one partition of DynamoDB, gives; whatever was bought."""
    if workload.busiest_group > GROUP_SENDS:
        yield f"the busiest group has {workload.busiest_group:g} messages/s; the service takes {GROUP_SENDS} for one"
    message = write_units(MESSAGE_BYTES + workload.text_bytes)
    page = history_page(workload.text_bytes).read - 1
    group, user = workload.busiest_group, workload.busiest_user
    inbox = inbox_page(workload.groups).read
    yield from _too_hot("the busiest group's log", write=group * message, read=group * 2 * page)
    yield from _too_hot("the busiest user's inbox", write=user, read=user * (1 + inbox))


def _too_hot(what: str, *, write: float, read: float = 0) -> Iterator[str]:
    """Readers are taken to fetch a page at each message."""
    if write > PARTITION_WRITES:
        yield f"{what} would take {write:,.0f} WCU; one partition gives {PARTITION_WRITES:,}"
    if read > PARTITION_READS:
        yield f"{what} would take {read:,.0f} RCU; one partition gives {PARTITION_READS:,}"
