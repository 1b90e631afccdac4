"""The users that one container carries, and the containers, units and dollars of many users, from what calls cost.

The workload is that of `cruddur capacity plan` without options. A container has one core and one process; at the peak
60 % of the core are in use, and a tenth of the users have an event stream open.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

from app.cli.capacity.pricing import MONTH_HOURS, Prices, Workload, plan
from tests.benchmarks.figures import Figure

USERS: Final = (1_000_000, 100_000_000)
MESSAGES_A_DAY: Final = 20
CORE_IN_USE: Final = 0.6
CONNECTED: Final = 0.1
STREAMS: Final = 2_000
"""The streams of a process, MAX_EVENT_STREAMS by default."""
STREAM_UNITS: Final = 1 / 60
"""RCU a second of a stream, which compares itself with the inbox every minute."""
CALLS: Final = {
    "send": "send",
    "first contact": "send",
    "mark read": "mark read",
    "inbox page": "inbox of 21",
    "history page": "50 messages",
}
"""The measured call for each operation of a workload."""


def size(routes: Sequence[Figure]) -> list[Figure]:
    """Return the sizes that follow from the CPU of the calls, nothing if those were not measured."""
    cpu = {figure.subject: figure.median / 1e6 for figure in routes if figure.quantity == "CPU"}
    if not cpu.keys() >= set(CALLS.values()):
        return []
    carried = CORE_IN_USE / cores(1, cpu)
    figures = [Figure("one container", "users by CPU", "", [carried])]
    figures.append(Figure("one container", "users by streams", "", [STREAMS / CONNECTED]))
    for users in USERS:
        figures += [Figure(f"{users:,} users", name, unit, [value]) for name, unit, value in needs(users, cpu)]
    return figures


def needs(users: int, cpu: Mapping[str, float]) -> list[tuple[str, str, float]]:
    """Return what so many users need, each as a name, a unit and a value."""
    planned = plan(workload(users), Prices())
    busy, streams = cores(users, cpu), users * CONNECTED
    stream_month = Prices().requests(reads=streams * STREAM_UNITS * MONTH_HOURS * 3_600)
    return [
        ("requests at the peak", "/s", sum(rates(users).values())),
        ("cores in use at the peak", "", busy),
        ("streams at the peak", "", streams),
        ("containers", "", max(ceil(busy / CORE_IN_USE), ceil(streams / STREAMS))),
        ("writes at the peak", "WCU", planned.peak.all_writes),
        ("reads at the peak", "RCU", planned.peak.read + streams * STREAM_UNITS),
        ("requests to DynamoDB", "$ a month", planned.on_demand),
        ("streams' reads of DynamoDB", "$ a month", stream_month),
        ("storage and backups after a year", "$ a month", planned.storage),
    ]


def workload(users: int) -> Workload:
    return Workload(users=users, messages=MESSAGES_A_DAY, changes=0)


def rates(users: int) -> dict[str, float]:
    """Return the requests a second of each operation at the peak."""
    used = workload(users)
    return {name: rate * used.peak for name, (rate, _) in used.operations().items() if name in CALLS}


def cores(users: int, cpu: Mapping[str, float]) -> float:
    """Return the cores that requests take at the peak."""
    return sum(rate * cpu[CALLS[name]] for name, rate in rates(users).items())
