"""AppError, the root of every expected failure, and the few that no slice owns.

    AppError
    ├── Unavailable, Overloaded                                        503
    ├── InvalidParameter, InvalidBody                                  422
    ├── MalformedJson 400 · Unauthenticated 401 · UnknownUser 403 · NotFound 404 · MethodNotAllowed 405
    ├── RequestTimeout 408 · BodyTooLarge 413 · UnsupportedMediaType 415 · InternalError 500
    └── … each slice adds its own in its errors.py

An error's class name is its public `code`: GroupNotFound becomes group-not-found.
"""

import re


class AppError(Exception):
    """An expected failure: knows its HTTP status, title and stable code, and nothing of HTTP itself."""

    status = 500
    title = "Internal error"
    pointer: str | None = None
    """The JSON pointer of the body's member that is wrong, if it is one."""
    parameter: str | None = None
    """The name of the query or path parameter that is wrong, if it is one."""
    retry_after: int | None = None
    """Seconds after which the same request may succeed; sent as `Retry-After`."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail

    @classmethod
    def code(cls) -> str:
        """The kebab-case name that clients switch on."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class Unavailable(AppError):
    """A dependency did not answer, or not in time. Whether a write was applied is unknown."""

    status = 503
    title = "A service this request needs is unavailable, try again"
    retry_after = 1


class Overloaded(AppError):
    status = 503
    title = "The service has as many requests as it can take, try again"
    retry_after = 1


class Unauthenticated(AppError):
    """The token does not prove an identity. Every defect gets the same answer, which tells a forger nothing."""

    status = 401
    title = "A valid access token is required"


class UnknownUser(AppError):
    """The token is valid, and its account has not registered."""

    status = 403
    title = "This account has no user yet: register with POST /api/users"


class NotFound(AppError):
    status = 404
    title = "There is nothing at this address"


class MethodNotAllowed(AppError):
    status = 405
    title = "This address does not take this method"


class InvalidParameter(AppError):
    status = 422
    title = "A parameter is missing or wrong"


class InvalidBody(AppError):
    status = 422
    title = "The request's body is not what this call takes"


class MalformedJson(AppError):
    status = 400
    title = "The request's body is not strict UTF-8 JSON"


class RequestTimeout(AppError):
    status = 408
    title = "The request's body did not arrive in time"


class BodyTooLarge(AppError):
    status = 413
    title = "The request's body is too large"


class UnsupportedMediaType(AppError):
    status = 415
    title = "The request's body must be application/json"


class InternalError(AppError):
    """What a client sees of a mistake of ours; the log has the rest under the request's id."""
