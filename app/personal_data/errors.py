"""Expected failures of requests about the caller's own data."""

from app.errors import AppError


class HandleDiffers(AppError):
    status = 422
    title = "The handle is not the caller's: the deletion is not confirmed"
    parameter = "handle"


class ExportRunning(AppError):
    status = 429
    title = "Another export of this user is running: wait for its end"
    retry_after = 10
