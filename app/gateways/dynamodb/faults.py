"""Faults of DynamoDB: failed conditions, what another attempt may not meet, and what only an operator can mend."""

from collections.abc import Sequence, Set
from typing import Any, Final, cast

import structlog
from botocore import exceptions as botocore_errors
from botocore.exceptions import ClientError

from app.errors import Unavailable
from app.gateways import aws_errors
from app.gateways.dynamodb.values import StoredItem

log = structlog.get_logger(__name__)

THROTTLES: Final = aws_errors.THROTTLES | {"LimitExceededException"}
"""DynamoDB's codes. In other services LimitExceededException is a quota, which no waiting helps."""
TRANSIENT: Final = THROTTLES | {
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "ReplicatedWriteConflictException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}
MISSING_CREDENTIALS: Final = (
    botocore_errors.CredentialRetrievalError,
    botocore_errors.NoCredentialsError,
    botocore_errors.PartialCredentialsError,
    botocore_errors.ProfileNotFound,
    botocore_errors.SSOError,
    botocore_errors.TokenRetrievalError,
)
NO_ANSWER: Final = "is it running, and is DYNAMODB_ENDPOINT_URL right?"
_REFUSALS: Final[Sequence[tuple[Set[str], str, str]]] = (
    (
        aws_errors.ACCESS_DENIED,
        "DynamoDB denied {operation}",
        (
            "the AWS credentials do not allow this call: their policy must have dynamodb:{operation} on the table"
            " {table} and its index"
        ),
    ),
    (
        aws_errors.INVALID_CREDENTIALS,
        "DynamoDB refused the call: {code}",
        "the AWS credentials are not valid here or have expired: sign in again",
    ),
    (
        aws_errors.NOT_FOUND,
        "There is no DynamoDB table {table} here",
        "check its name and AWS_REGION, or `cruddur schema-load` creates it",
    ),
    (
        {"ValidationException"},
        "The DynamoDB table {table} is not as the service needs it",
        "`cruddur doctor` tells how its keys, its index or its state differ",
    ),
)
"""The meaning of each of these codes, and the remedy for the operator."""


class ConditionFailed(Exception):
    """The condition of a write failed; `item` is the item that it was checked on, None if there is none."""

    def __init__(self, item: StoredItem | None = None) -> None:
        super().__init__("The condition failed")
        self.item = item


class TransactionRejected(Exception):
    """Conditions of a transaction failed; `failed` maps the position of each to its item, None if there is none."""

    def __init__(self, failed: dict[int, StoredItem | None]) -> None:
        super().__init__(f"The conditions at {sorted(failed)} failed")
        self.failed = failed


class Transient(Exception):
    """A fault that another attempt may not meet."""


def code_of(error: ClientError) -> str:
    """Return AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translate(error: Exception, table: str) -> Exception:
    """Return the fault of a call on this table: ConditionFailed, TransactionRejected, Transient or Unavailable."""
    if not isinstance(error, ClientError):
        return no_credentials() if isinstance(error, MISSING_CREDENTIALS) else Transient(type(error).__name__)
    code, response = code_of(error), cast("dict[str, Any]", error.response)
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(response.get("Item") or None)
    if code == "TransactionCanceledException":
        # Failed conditions win over conflicts and throttles: another attempt would fail again.
        reasons = enumerate(response.get("CancellationReasons", ()))
        failed = {
            at: reason.get("Item") or None for at, reason in reasons if reason["Code"] == "ConditionalCheckFailed"
        }
        return TransactionRejected(failed) if failed else Transient(code)
    if code in TRANSIENT or response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        return Transient(code)
    refusal = _refusal(code, error.operation_name, table)
    log.error("dynamodb_refused", operation=error.operation_name, detail=refusal.detail, remedy=refusal.remedy)
    return refusal


def no_credentials() -> Unavailable:
    """Return the error of a process that has no credentials for AWS."""
    return Unavailable("There are no AWS credentials", remedy="give the process a role, set AWS_PROFILE, or sign in")


def _refusal(code: str, operation: str, table: str) -> Unavailable:
    """Return what a code means that no other attempt helps with, and what the operator can do."""
    names = {"code": code, "operation": operation, "table": table}
    for codes, detail, remedy in _REFUSALS:
        if code in codes:
            return Unavailable(detail.format_map(names), remedy=remedy.format_map(names))
    return Unavailable(f"DynamoDB refused {operation}: {code}")
