"""The cost of a workload on DynamoDB, by the formulae of `units` and by prices.

Prices are assumptions that options of the command replace: Amazon's list prices of us-east-1, table class Standard, in
US dollars without tax, since the cut of on-demand prices on 2024-11-01. Later changes are not in them.

Rates are per second, averages over a day; a peak is a multiple of the average. Units are provisioned for the peak,
with room above it (`utilisation`), separately for table and index. A month has 730 hours.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.cli.capacity.units import (
    CHANGE_BYTES,
    COMPARED,
    HEAD_READ,
    INDEX_ENTRY_BYTES,
    MARK_DELIVERED,
    MARK_IN_GROUP,
    MARK_READ,
    MESSAGE_BYTES,
    NEW_BUCKET,
    OVERHEAD_BYTES,
    ROW_BYTES,
    Units,
    change,
    first_contact,
    history_page,
    inbox_page,
    new_group_bucket,
    send,
    send_to_group,
    write_units,
)
from app.limits.rates import EVENT_TRAFFIC, READ_CAPACITY, TRAFFIC, WRITE_CAPACITY, Rate

AS_OF: Final = "us-east-1, list prices since 2024-11-01"
DAY_SECONDS: Final = 86_400
GB: Final = 10**9
MONTH_HOURS: Final = 730

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
    group_share: float = 0
    """The share of messages, pages and groups that are of groups of several members."""
    group_size: int = 10
    mentions: float = 0.2
    """Members that a message in a group of several mentions."""
    peak: float = 4
    busiest_group: float = 1
    """Messages a second in the busiest group of all."""
    busiest_user: float = 1
    """Messages a second that the busiest user sends and receives, over all groups."""

    def operations(self) -> dict[str, tuple[float, Units]]:
        """Return the average rate per second and the units of each operation."""
        second, direct, several = self.users / DAY_SECONDS, 1 - self.group_share, self.group_share
        sends, pages = max(0.0, self.messages - self.first_contacts) * second, self.history_pages * second
        page, compared = history_page(self.text_bytes), COMPARED * self.compared_share
        operations = {
            "send": (sends * direct, send(self.text_bytes) + compared),
            "send, index": (sends * direct * self.new_bucket_share, NEW_BUCKET),
            "change": (self.changes * second, change(self.text_bytes)),
            "first contact": (self.first_contacts * second, first_contact(self.text_bytes)),
            "mark read": (pages * direct, MARK_READ),
            "mark delivered": (self.deliveries * second * direct, MARK_DELIVERED),
            "inbox page": (self.inbox_pages * second, inbox_page(self.groups, active=self.groups * several)),
            "history page": (pages * direct, page),
        }
        of_groups = {
            "send to group": (sends * several, send_to_group(self.text_bytes, self.mentions) + compared),
            "send to group, rows": (sends * several * self.new_bucket_share, new_group_bucket(self.group_size)),
            "mark read or delivered in group": (several * (pages + self.deliveries * second), MARK_IN_GROUP),
            "history page of group": (pages * several, page + HEAD_READ),
        }
        return operations | (of_groups if several else {})

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

    def warnings(self) -> Iterator[str]:
        """Yield the keys whose load exceeds what the service or a partition of DynamoDB can do at any price."""
        if self.busiest_group > GROUP_SENDS:
            yield f"the busiest group has {self.busiest_group:g} messages/s; the service can do {GROUP_SENDS} in one"
        message = write_units(MESSAGE_BYTES + self.text_bytes)
        page = history_page(self.text_bytes).read - 1
        inbox = inbox_page(self.groups, active=self.groups * self.group_share).read
        group, user = self.busiest_group, self.busiest_user
        yield from _too_hot("the busiest group's log", write=group * message, read=group * 2 * page)
        yield from _too_hot("the busiest user's inbox", write=user, read=user * (1 + inbox))


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

    @property
    def advice(self) -> str:
        """Return the recommendation in words, with the command for it."""
        if self.recommendation == "PAY_PER_REQUEST":
            return "on demand"
        units = self.provisioned
        of_index = f"--index-read {units.index_read} --index-write {units.index_write}"
        return f"provisioned: `cruddur capacity set --read {units.read} --write {units.write} {of_index}`"


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
        warnings=tuple(workload.warnings()),
    )


def _too_hot(what: str, *, write: float, read: float = 0) -> Iterator[str]:
    """Yield a warning for a key beyond a partition's limits, with readers that fetch a page at each message."""
    if write > PARTITION_WRITES:
        yield f"{what} would take {write:,.0f} WCU; one partition has {PARTITION_WRITES:,}"
    if read > PARTITION_READS:
        yield f"{what} would take {read:,.0f} RCU; one partition has {PARTITION_READS:,}"
