"""AppError, the root of every expected failure, and the failures that belong to no slice.

    AppError
    ├── Unavailable, Overloaded                                        503
    ├── InvalidParameter, InvalidBody                                  422
    ├── MalformedJson 400 · Unauthenticated 401 · NotFound 404 · MethodNotAllowed 405
    ├── UnknownUser, AccountDisabled, AccountErased                    403
    ├── RequestTimeout 408 · BodyTooLarge 413 · UnsupportedMediaType 415 · HeadTooLarge 431 · InternalError 500
    ├── MalformedRequest                                               400, before there is a path
    ├── CorsRefused                                                    403, to a preflight
    └── … each slice adds its own in errors.py

An error's class name is its public `code`: GroupNotFound becomes group-not-found.
"""

import re


class AppError(Exception):
    """An expected failure, with its HTTP status, title and stable code."""

    status = 500
    title = "Internal error"
    pointer: str | None = None
    """The JSON pointer (RFC 6901) of the member of the body that is wrong, if it is a member."""
    parameter: str | None = None
    """The name of the query or path parameter that is wrong, if it is a parameter."""
    retry_after: int | None = None
    """The seconds after which the same request may succeed; sent as `Retry-After`."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail

    @classmethod
    def code(cls) -> str:
        """Return the kebab-case name that clients switch on."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class Unavailable(AppError):
    """A dependency did not answer, or not in time. Whether a write was applied is unknown."""

    status = 503
    title = "A dependency of the service is unavailable: try again"
    retry_after = 1

    def __init__(self, detail: str | None = None, *, remedy: str = "") -> None:
        """Take what is wrong, which clients are told, and what the operator can do about it, which they are not."""
        super().__init__(detail)
        self.remedy = remedy

    @property
    def explained(self) -> str:
        """Return the detail and the remedy, for the operator."""
        return f"{self}: {self.remedy}" if self.remedy else str(self)


def with_hint(error: BaseException) -> str:
    """Return the error's sentence, with the remedy if it has one, for the operator."""
    return error.explained if isinstance(error, Unavailable) else str(error)


class Overloaded(AppError):
    status = 503
    title = "The service is at capacity: try again"
    retry_after = 1


class Unauthenticated(AppError):
    """The token does not prove an identity. Every defect but its length has the same text: no hint for a forger."""

    status = 401
    title = "A valid access token is required"


class UnknownUser(AppError):
    """The token is valid, but its account has not registered."""

    status = 403
    title = "This account has no user yet: register with POST /api/users"


class AccountDisabled(AppError):
    """The token is valid, but an operator has disabled its account."""

    status = 403
    title = "This account is disabled: ask the operator of the service"


class AccountErased(AppError):
    """The token is valid, but its account has deleted its user, which does not come back."""

    status = 403
    title = "This account was deleted: sign up again, with a new account"


class NotFound(AppError):
    status = 404
    title = "There is no resource at this address"


class MethodNotAllowed(AppError):
    status = 405
    title = "This method is not allowed at this address"


class InvalidParameter(AppError):
    status = 422
    title = "A parameter is missing or invalid"


class InvalidBody(AppError):
    status = 422
    title = "The request body does not match the schema of this operation"


class MalformedJson(AppError):
    status = 400
    title = "The request body is not strict UTF-8 JSON"


class MalformedRequest(AppError):
    status = 400
    title = "The request is not HTTP/1.1"


class CorsRefused(AppError):
    """A preflight asks for what CORS does not allow. Browsers show it beside the request that they do not send."""

    status = 403
    title = "This origin, method or header is not allowed: an operator allows them by CORS_ORIGINS and CORS_HEADERS"


class HeadTooLarge(AppError):
    status = 431
    title = "The head of a request may have 16 KiB and 100 fields"


class RequestTimeout(AppError):
    status = 408
    title = "The request body did not arrive in time"


class BodyTooLarge(AppError):
    status = 413
    title = "The request body is too large"


class UnsupportedMediaType(AppError):
    status = 415
    title = "The request body must be application/json"


class InternalError(AppError):
    """A defect of the service. The client sees no details; the log has them under the request's id."""


class InvalidSettings(Exception):
    """Settings are missing or wrong: a sentence for the operator, which names each of them. No request meets it."""
