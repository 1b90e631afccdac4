"""Limits: how often an account, an address or a group may call, and how much capacity and traffic it may take."""

from app.limits.buckets import Buckets, TooManyRequests
from app.limits.caller import CallerMeter, charged_for, own_debt, refuse_own, require_own, take_own, wait_own
from app.limits.limits import NO_LIMITS, Limits

__all__ = [
    "NO_LIMITS", "Buckets", "CallerMeter", "Limits", "TooManyRequests", "charged_for", "own_debt",
    "refuse_own", "require_own", "take_own", "wait_own",
]  # fmt: skip
