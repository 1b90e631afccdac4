"""A temporary database for what a command collects before it answers, so that memory is bounded."""

import sqlite3


class TemporaryDatabase:
    """A SQLite file of a command's own, in which everything is one transaction that is never committed."""

    def __init__(self, schema: str) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(schema)
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Delete the file."""
        self._db.close()
