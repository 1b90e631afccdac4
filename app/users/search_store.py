"""Searches of users in Postgres: by the beginning of a handle, and by search keys, which are made of display names."""

from app.gateways.postgres import Postgres
from app.users.models import User


class SearchStore:
    """Searches the users table page by page. Any method may raise Unavailable."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def by_handle_prefix(self, prefix: str, *, after: str, limit: int, with_hidden: bool = False) -> list[User]:
        """Return users sorted by handle, from the first handle that is greater than `after`.

        Those that are not discoverable only if the prefix is the whole handle, or `with_hidden`.
        """
        sql = """
            SELECT uuid, handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
                about, is_discoverable
            FROM users
            WHERE handle >= $1 AND handle < $1 || '~' AND handle > $2
            AND (is_discoverable OR handle = $1 OR $4)
            ORDER BY handle LIMIT $3
            """  # the column has collation "C", where ~ comes after every character that a handle may have
        return [User.of_row(row) for row in await self._postgres.fetch(sql, prefix, after, limit, with_hidden)]

    _BY_KEY = """
        WITH range AS MATERIALIZED (
            SELECT first, first || chr(1114111) AS last FROM ltrim(search_text($1)) AS first WHERE first <> ''
        ),
        previous AS MATERIALIZED (
            SELECT min(key) AS key FROM range, search_keys WHERE handle = $2 AND key >= first AND key < last
        )
        SELECT uuid, users.handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
            about, is_discoverable
        FROM range, previous, LATERAL (
            SELECT found.key, found.handle FROM search_keys AS found
            WHERE found.key >= first AND found.key < last
            AND (found.key, found.handle) > (coalesce(previous.key, first), $2)
            AND NOT EXISTS (
                SELECT FROM search_keys AS lesser
                WHERE lesser.handle = found.handle AND lesser.key >= first AND lesser.key < found.key
            )
            ORDER BY found.key, found.handle LIMIT $3
        ) AS found JOIN users USING (handle)
        ORDER BY found.key, found.handle
        """  # chr(1114111) comes after every other character

    async def by_key(self, text: str, *, after: str, limit: int) -> list[User]:
        """Return users with a search key that begins so, sorted by the first such key of each, from that of `after` on.

        Reads at most 57 keys for each user of the page, seven for a name of three words.
        """
        return [User.of_row(row) for row in await self._postgres.fetch(self._BY_KEY, text, after, limit)]
