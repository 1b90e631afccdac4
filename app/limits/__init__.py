"""Limits: how often an account, an address or a group may call, and how much capacity and traffic it may take."""

from app.limits.buckets import Buckets, TooManyRequests
from app.limits.limits import NO_LIMITS, CallerMeter, Limits

__all__ = ["NO_LIMITS", "Buckets", "CallerMeter", "Limits", "TooManyRequests"]
