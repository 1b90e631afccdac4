"""DatabaseUrl: the parts of a Postgres URL, as asyncpg reads them, with what asyncpg would find wrong only later."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

EXAMPLE: Final = "must look like postgresql://user:password@host:5432/database"
ENCRYPTED_SSLMODES: Final = frozenset({"require", "verify-ca", "verify-full"})
CHOICES: Final = {
    "sslmode": frozenset({"disable", "allow", "prefer"}) | ENCRYPTED_SSLMODES,
    "sslnegotiation": frozenset({"postgres", "direct"}),
    "target_session_attrs": frozenset({"any", "primary", "standby", "read-write", "read-only", "prefer-standby"}),
    "gsslib": frozenset({"gssapi", "sspi"}),
}
"""The values of parameters that have a few only."""
CONNECTION: Final = frozenset(
    {"host", "port", "user", "password", "dbname", "database", "passfile", "krbsrvname"}
    | {"sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl"}
    | {"ssl_min_protocol_version", "ssl_max_protocol_version"}
)
"""Parameters that asyncpg reads itself. It does not know the others of libpq, and would send them to Postgres."""
SESSION: Final = frozenset(
    {"application_name", "options", "search_path", "statement_timeout", "lock_timeout"}
    | {"idle_in_transaction_session_timeout", "idle_session_timeout"}
)
"""Parameters that Postgres takes from any client when a session begins."""
PARAMETERS: Final = CHOICES.keys() | CONNECTION | SESSION

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """One or more hosts, each with its port, a database, and parameters; user and password may come from elsewhere."""

    hosts: tuple[tuple[str, int], ...]
    """Names, addresses, or the folders of Unix sockets."""
    database: str
    user: str | None
    password: str | None
    parameters: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the parts. Raises ValueError with a sentence that shows no part of the URL but its parameters."""
        parts = urlsplit(url)
        auth, _, hosts = parts.netloc.rpartition("@")
        if parts.scheme not in {"postgres", "postgresql"} or parts.fragment or "@" in auth:
            raise ValueError(EXAMPLE)
        parameters = _parameters(parts.query)
        user, has_password, password = auth.partition(":")
        return cls(
            _hosts(hosts or parameters.get("host", ""), parameters.get("port", "5432")),
            unquote(parts.path[1:]) or parameters.get("dbname", "") or parameters.get("database", ""),
            unquote(user) or parameters.get("user"),
            unquote(password) if has_password else parameters.get("password"),
            parameters,
        )

    @property
    def is_encrypted(self) -> bool:
        """Return whether no statement can travel in the clear."""
        return self.parameters.get("sslmode") in ENCRYPTED_SSLMODES

    @property
    def place(self) -> str:
        """Return the hosts and the database in words."""
        hosts = ", ".join(
            host if host.startswith("/") else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            for host, port in self.hosts
        )
        return f"{hosts}, database {self.database or 'of the user'}"


def _parameters(query: str) -> dict[str, str]:
    try:
        parameters = dict(parse_qsl(query, strict_parsing=bool(query)))
    except ValueError:
        raise ValueError("has a parameter without a value: write name=value") from None
    if unknown := sorted(parameters.keys() - PARAMETERS):
        raise ValueError(f"has the unknown parameter {', '.join(unknown)}: leave it out")
    for name, choices in CHOICES.items():
        if name in parameters and parameters[name] not in choices:
            raise ValueError(f"has a wrong {name}: it is one of {', '.join(sorted(choices))}")
    return parameters


def _hosts(listed: str, ports: str) -> tuple[tuple[str, int], ...]:
    """Return each host with its port, from a list such as a:5432,b or from two lists of equal length."""
    hosts, each_port = unquote(listed).split(","), ports.split(",")
    if len(each_port) == 1:
        each_port *= len(hosts)
    found = []
    for text, default in zip(hosts, each_port, strict=False):
        match = None if text.startswith("/") else _HOST.fullmatch(text)
        if not (match or text.startswith("/")) or not (default.isdigit() and len(each_port) == len(hosts)):
            raise ValueError(EXAMPLE)
        port = int((match and match[2]) or default)
        if not 0 < port < 65_536:
            raise ValueError(EXAMPLE)
        found.append((match[1].strip("[]").lower() if match else text, port))
    return tuple(found)
