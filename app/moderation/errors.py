"""Expected failures of reports."""

from app.errors import AppError


class ReportOfSelf(AppError):
    status = 422
    title = "You cannot report yourself or a message of your own"
    pointer = ""
