"""What can be wrong with a request for live events."""

from app.errors import AppError


class TooManyStreams(AppError):
    status = 429
    title = "You have as many event streams open as one may have"
    retry_after = 2
