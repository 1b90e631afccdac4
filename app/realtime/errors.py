"""Errors of requests for live events."""

from app.errors import AppError


class TooManyStreams(AppError):
    status = 429
    title = "Too many event streams of this user are open: at most 10 over all processes"
    retry_after = 2
