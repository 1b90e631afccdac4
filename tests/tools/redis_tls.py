"""Redis from the packages of a Debian or Ubuntu, which takes encrypted connections only."""

import os
from pathlib import Path

from scripts.bootstrap import debian_server
from scripts.engines.valkey import Valkey


class TlsRedis(Valkey):
    """Redis, which clients find by the name `localhost`; `options` name its certificate."""

    name = "Redis"

    @property
    def address(self) -> str:
        return f"rediss://:{self.password}@localhost:{self.port}"

    def start(self) -> None:
        program, libraries = debian_server("usr/bin/redis-server")
        self.child.start(program, self._configuration(), env=os.environ | libraries)

    def _configuration(self) -> Path:
        file = super()._configuration()
        with file.open("a") as lines:
            lines.write(f"port 0\ntls-port {self.port}\n")
        return file
