"""Types of settings that are lists in the environment: `a,b` or `a=1,b=2`, with what an entry must be."""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

CONNECTIONS: Final = ("DATABASE_URL", "VALKEY_URL", "DYNAMODB_ENDPOINT_URL", "CORS_ORIGINS")
"""The settings of connections that have to be encrypted in production."""

ORIGIN: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
"""An origin as browsers spell it: in lower case."""
_HANDLE = re.compile(r"[a-z0-9_]{3,30}")
_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _split_factors(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [pair.strip().rpartition("=") for pair in value.split(",") if pair.strip()]
    if any(not key for key, _, _ in pairs):
        raise ValueError("must look like ACCOUNT=10,*=2: the `sub` of a token, or * for all others, and a factor")
    return {key: factor for key, _, factor in pairs}


def _is_network(text: str) -> bool:
    try:
        ip_network(text if text != "*" else "0.0.0.0/0", strict=False)
    except ValueError:
        return False
    return True


def _each(is_valid: Callable[[str], object], defect: str) -> AfterValidator:
    """Return a validator of the entries of a list; `defect` says, after an entry, what is wrong with it."""

    def require_valid(entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if not is_valid(entry):
                raise ValueError(f"{entry!r} {defect}")
        return entries

    return AfterValidator(require_valid)


Factors = Annotated[dict[str, Annotated[float, Field(gt=0, le=1_000_000)]], NoDecode, BeforeValidator(_split_factors)]
CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]
Connections = Annotated[CommaSeparated, _each(CONNECTIONS.__contains__, f"is none of {', '.join(CONNECTIONS)}")]
Handles = Annotated[CommaSeparated, _each(_HANDLE.fullmatch, "is no handle: write 3 to 30 of a-z, 0-9 and _")]
Networks = Annotated[CommaSeparated, _each(_is_network, "is neither an address nor a network such as 10.0.0.0/8")]
"""Addresses and networks, or `*` for all."""
Origins = Annotated[
    CommaSeparated, _each(ORIGIN.fullmatch, "is not an origin: write scheme://host[:port], without a path or a *")
]
HeaderNames = Annotated[
    CommaSeparated,
    _each(_FIELD_NAME.fullmatch, "is not the name of a header: write names such as traceparent, without a *"),
    AfterValidator(lambda names: tuple(name.lower() for name in names)),
]
