"""All rates: what a key may spend at once, and how much of it comes back each second.

A key is an account (the `sub` of its token), an address (of IPv6 its /64 network), a group or a user.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

MINUTE: Final = 60.0


@dataclass(frozen=True, eq=False)
class Rate:
    """A token bucket: `burst` units when it is full, and `per_second` more until it is full again."""

    name: str
    burst: float
    per_second: float
    unit: str = "requests"
    is_shared: bool = True
    """Processes settle what they have spent. What guards the processor of one of them is not shared."""

    @cached_property
    def window(self) -> float:
        """Return the seconds in which an empty bucket becomes full."""
        return self.burst / self.per_second

    def _per_window(self, factor: float) -> tuple[float, int]:
        """Return the units of a window, and its seconds, of which there is at least one."""
        return self.per_second * factor * max(1, self.window), math.ceil(self.window)

    def policy(self, factor: float) -> bytes:
        """Return the value of a RateLimit-Policy field, for a bucket that is this many times as large."""
        units, seconds = self._per_window(factor)
        unit = "" if self.unit == "requests" else f';qu="{self.unit}"'
        return f'"{self.name}";q={units:.0f};w={seconds}{unit}'.encode()

    def describe(self, factor: float) -> str:
        """Return the rate as a sentence says it."""
        units, seconds = self._per_window(factor)
        return f"{self.burst * factor:,.0f} {self.unit.replace('-', ' ')} at once, then {units:,.0f} in {seconds:,} s"


# Of an account
READ: Final = Rate("read", 100, 10)
SEND: Final = Rate("send", 60, 1)
FIRST_CONTACT: Final = Rate("first-contact", 10, 1 / MINUTE)
LOOK_UP: Final = Rate("look-up", 100, 1 / 9)
CHANGE: Final = Rate("change", 60, 1)
BLOCK: Final = Rate("block", 30, 1 / 4)
MARK_READ: Final = Rate("mark-read", 120, 2)
MARK_DELIVERED: Final = Rate("mark-delivered", 120, 2)
TYPING: Final = Rate("typing", 30, 1)
SYNC: Final = Rate("sync", 10, 1 / 2)
PRESENCE: Final = Rate("presence", 30, 1 / 10)
STREAM: Final = Rate("stream", 30, 1 / 3)
VIEW: Final = Rate("view", 60, 1)
SETTINGS: Final = Rate("settings", 30, 1 / 10)
PROFILE: Final = Rate("profile", 5, 1 / MINUTE)
EXPORT: Final = Rate("export", 5, 1 / (15 * MINUTE))
REGISTRATION: Final = Rate("registration", 5, 1 / MINUTE)
REPORT: Final = Rate("report", 10, 1 / (10 * MINUTE))

# Of a group, and of a user that others write to
GROUP_SEND: Final = Rate("group-send", 30, 30)
RECEIVED_CONTACT: Final = Rate("received-contact", 60, 1 / MINUTE)

# Of an address
UNVERIFIED_TOKEN: Final = Rate("unverified-token", 300, 10)
"""Tokens that expire count, too: 10 a second are those of 36,000 users whose tokens last for an hour."""
ADDRESS_REGISTRATION: Final = Rate("address-registration", 60, 1 / 10)
LOCAL_SIGN_IN: Final = Rate("local-sign-in", 60, 1)
ADDRESS_TRAFFIC: Final = Rate("address-traffic", 100e6, 100e3, "bytes")

# Budgets of an account: what its calls have taken is debited afterwards
READ_CAPACITY: Final = Rate("read-capacity", 2_000, 5, "read-units")
WRITE_CAPACITY: Final = Rate("write-capacity", 400, 4, "write-units")
THROUGHPUT: Final = Rate("throughput", 50, 250, "units", is_shared=False)
"""The units that an account's calls read and write in one process: a request waits until those before it are repaid."""
REFUSAL: Final = Rate("refusal", 100, 20, is_shared=False)
"""The refusals that an account or an address gets at once from one process: those beyond them wait."""
TRAFFIC: Final = Rate("traffic", 100e6, 50e3, "bytes")
EVENT_TRAFFIC: Final = Rate("event-traffic", 100e6, 50e3, "bytes")
"""The traffic of event streams, which others cause: when it is spent, an account can still call."""

OPERATIONS: Final[Mapping[str, Rate]] = {
    "send_message": SEND,
    "edit_message": CHANGE,
    "delete_message": CHANGE,
    "add_reaction": CHANGE,
    "remove_reaction": CHANGE,
    "block_user": BLOCK,
    "unblock_user": BLOCK,
    "mark_read": MARK_READ,
    "mark_delivered": MARK_DELIVERED,
    "start_typing": TYPING,
    "stop_typing": TYPING,
    "search_users": LOOK_UP,
    "get_user": LOOK_UP,
    "get_user_short": LOOK_UP,
    "get_direct_group": LOOK_UP,
    "update_current_user": PROFILE,
    "update_settings": SETTINGS,
    "update_message_group_view": VIEW,
    "create_message_group": CHANGE,
    "update_message_group": CHANGE,
    "add_members": CHANGE,
    "update_member": CHANGE,
    "remove_member": CHANGE,
    "accept_request": VIEW,
    "decline_request": VIEW,
    "leave_message_group": VIEW,
    "register_user": REGISTRATION,
    "delete_current_user": PROFILE,
    "create_report": REPORT,
    "sync_changes": SYNC,
    "list_presence": PRESENCE,
    "stream_events": STREAM,
    "export_own_data": EXPORT,
}
"""The rates of operations with a token; the rate of all others is READ."""
ADDRESS_OPERATIONS: Final[Mapping[str, Rate]] = {
    "register_user": ADDRESS_REGISTRATION,
    "list_local_users": LOCAL_SIGN_IN,
    "create_local_token": LOCAL_SIGN_IN,
}
"""The rates of operations by address, for all accounts together."""
BUDGETS: Final[Sequence[Rate]] = (READ_CAPACITY, TRAFFIC)
BUDGETS_OF: Final[Mapping[str, Sequence[Rate]]] = {
    "send_message": (*BUDGETS, WRITE_CAPACITY),
    "edit_message": (*BUDGETS, WRITE_CAPACITY),
    "delete_message": (*BUDGETS, WRITE_CAPACITY),
    "add_reaction": (*BUDGETS, WRITE_CAPACITY),
    "remove_reaction": (*BUDGETS, WRITE_CAPACITY),
    "mark_read": (*BUDGETS, WRITE_CAPACITY),
    "mark_delivered": (*BUDGETS, WRITE_CAPACITY),
    "update_settings": (*BUDGETS, WRITE_CAPACITY),
    "update_message_group_view": (*BUDGETS, WRITE_CAPACITY),
    "create_message_group": (*BUDGETS, WRITE_CAPACITY),
    "update_message_group": (*BUDGETS, WRITE_CAPACITY),
    "add_members": (*BUDGETS, WRITE_CAPACITY),
    "update_member": (*BUDGETS, WRITE_CAPACITY),
    "remove_member": (*BUDGETS, WRITE_CAPACITY),
    "accept_request": (*BUDGETS, WRITE_CAPACITY),
    "decline_request": (*BUDGETS, WRITE_CAPACITY),
    "leave_message_group": (*BUDGETS, WRITE_CAPACITY),
    "block_user": (*BUDGETS, WRITE_CAPACITY),
    "unblock_user": (*BUDGETS, WRITE_CAPACITY),
    "stream_events": (*BUDGETS, EVENT_TRAFFIC),
    "export_own_data": (*BUDGETS, EVENT_TRAFFIC),
}
"""The budgets that have something left before a call of these operations, and BUDGETS before all others."""
