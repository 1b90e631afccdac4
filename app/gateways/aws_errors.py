"""The error codes that AWS's services share, by what they mean."""

from typing import Final

THROTTLES: Final = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Too many calls at a time: the same call succeeds later."""
ACCESS_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "NotAuthorizedException", "UnauthorizedOperation"}
)
"""The credentials are valid and do not allow the call."""
INVALID_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""The credentials are not valid here, or not any more."""
NOT_FOUND: Final = frozenset({"ObjectNotFoundException", "ResourceNotFound", "ResourceNotFoundException"})
"""There is no such table, user pool or scaling target."""
