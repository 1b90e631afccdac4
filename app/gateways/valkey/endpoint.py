"""Endpoint: the address of a server and its account; and the types of commands. It needs no redis package."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

Argument = str | bytes | int
Command = Sequence[Argument]
Address: TypeAlias = tuple[str, int]
"""Host and port."""
Replies: TypeAlias = "asyncio.Future[list[Any]]"
"""The replies to several commands. It is cancelled when a connection fails."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a server, and the account, which is read anew for each connection: a password may change."""

    url: str
    password_file: Path | None = None
    address: Address | None = None
    """In place of that of the URL."""
    nodes: list[Address] = field(default_factory=list)
    """The nodes that its cluster had when it was asked last: the server of the URL may be the one that fails."""

    def at(self, address: Address) -> "Endpoint":
        """Return the endpoint of another server with the same account."""
        return replace(self, address=address)
