"""Faults of Postgres: which are the server's or the connection's, and what an operator can do about each."""

import ssl
from typing import Final

import asyncpg

from app.errors import Unavailable

DEAD_CONNECTION: Final = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement on a connection that Postgres is closing
)
FAULTS: Final = (*DEAD_CONNECTION, OSError, TimeoutError, asyncpg.PostgresError)
"""Everything that a statement can fail with, when the database, its schema and its grants are as they happen to be."""

POOLER: Final = "set DATABASE_PREPARED_STATEMENTS=off, as for any pooler that shares connections by transaction"
MIGRATE: Final = "`cruddur migrate` brings the schema up to date, `cruddur doctor` checks it"
_SENTENCES: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...]] = (
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "Postgres refuses the role or its password",
        "check DATABASE_URL, and whether the password has been changed",
    ),
    (asyncpg.InvalidCatalogNameError, "Postgres has no such database", "check DATABASE_URL, or create the database"),
    (
        asyncpg.InsufficientPrivilegeError,
        "Postgres denies the role a privilege",
        "grant it what docs/operations.md lists",
    ),
    (
        (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError),
        "A pooler in front of Postgres shares its connections among statements",
        POOLER,
    ),
    (
        asyncpg.UndefinedObjectError,
        "Postgres does not know a role or a parameter that it was given",
        "check the parameters of DATABASE_URL",
    ),
    (
        (
            asyncpg.SyntaxOrAccessError,
            asyncpg.InvalidSchemaNameError,
            asyncpg.FeatureNotSupportedError,
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.DataError,
        ),
        "The schema of the Postgres database is missing or of another version",
        MIGRATE,
    ),
    (
        asyncpg.ReadOnlySQLTransactionError,
        "This Postgres is read-only",
        "DATABASE_URL must name the primary; with several hosts add target_session_attrs=read-write",
    ),
    (asyncpg.TransactionRollbackError, "Postgres has rolled the transaction back", "try again"),
    (
        asyncpg.TooManyConnectionsError,
        "Postgres has no connection left",
        "lower DATABASE_POOL_SIZE, or raise its max_connections",
    ),
    (asyncpg.DiskFullError, "The disk of Postgres is full", "make room"),
    (
        asyncpg.ClientConfigurationError,
        "DATABASE_URL cannot be used as it is",
        "check its parameters, and the files that they name",
    ),
    (
        (asyncpg.TargetServerAttributeNotMatched,),
        "None of the Postgres servers is of the wanted kind",
        "check the hosts and target_session_attrs in DATABASE_URL",
    ),
    (
        ssl.SSLError,
        "The encryption of the connection to Postgres fails",
        "check sslmode and the certificates in DATABASE_URL",
    ),
)


def unavailable(error: BaseException) -> Unavailable:
    """Return the error that says what this fault means, and what an operator can do about it."""
    if isinstance(error, Unavailable):  # there is no password
        return error
    for kinds, detail, remedy in _SENTENCES:
        if isinstance(error, kinds):
            return Unavailable(detail, remedy=remedy)
    return Unavailable("Postgres does not answer", remedy="is it running, and is DATABASE_URL right?")
