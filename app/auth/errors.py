"""What can go wrong with proving who one is."""

from app.errors import AppError


class Unauthenticated(AppError):
    """The request proves nobody's identity. One answer for every defect, so that it tells a forger nothing."""

    status = 401
    title = "A valid access token is required"


class BrokenIssuerKey(Exception):
    """The local issuer's key file cannot be used. Stops the start with a sentence that says what to do."""
