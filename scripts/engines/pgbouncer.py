"""PgBouncer in front of a Postgres, sharing its connections by transaction."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from scripts.bootstrap import debian_server
from scripts.engines.process import Engine


class PgBouncer(Engine):
    """A pooler with `size` connections to the database at an address, with any number of clients."""

    name = "PgBouncer"

    def __init__(self, data: Path, upstream: str, *, size: int = 2, pool_mode: str = "transaction") -> None:
        super().__init__(data, durable=False)
        self._upstream = urlsplit(upstream)
        self._size = size
        self._pool_mode = pool_mode

    @property
    def address(self) -> str:
        parts = self._upstream
        return f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{self.port}{parts.path}"

    def start(self) -> None:
        program, libraries = debian_server("usr/sbin/pgbouncer")
        self.child.start(program, self._configuration(), env=os.environ | libraries, drop="auto", folder=self.data)

    def _configuration(self) -> Path:
        """Write the configuration and the password to files for this user only."""
        users, file = self.data / "users.txt", self.data / "pgbouncer.ini"
        for each in (users, file):
            each.touch(mode=0o600)
        users.write_text(f'"{self._upstream.username}" "{self._upstream.password}"\n')
        lines = (
            "[databases]",
            f"* = host={self._upstream.hostname} port={self._upstream.port}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = scram-sha-256",
            f"auth_file = {users}",
            f"pool_mode = {self._pool_mode}",
            f"default_pool_size = {self._size}",
            "server_reset_query_always = 0",
        )
        file.write_text("\n".join(lines) + "\n")
        return file
