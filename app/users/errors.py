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


class HandleReserved(AppError):
    status = 422
    title = "This handle is reserved for the service: choose another"
    pointer = "/handle"


class NameReserved(AppError):
    status = 422
    title = "This name is reserved for the service: choose another"
    pointer = "/display_name"


class NameMisleading(AppError):
    status = 422
    title = "A name may have no @, and a word of it letters of one script only"
    pointer = "/display_name"
