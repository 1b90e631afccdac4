"""Expected failures of requests about users."""

from app.errors import AppError


class UserNotFound(AppError):
    status = 404
    title = "There is no user with this handle"


class HandleTaken(AppError):
    status = 409
    title = "Another user has this handle"


class AlreadyRegistered(AppError):
    status = 409
    title = "This account is registered with another handle or name"
