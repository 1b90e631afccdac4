"""The users table.

Each unique constraint is also the index of a query: by subject, by handle, and by the first letters of a handle. The
last is a range over collation "C", which compares bytes. Handles are stored in lower case only, so unique means unique
without case.
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        create table users (
            uuid            uuid primary key default gen_random_uuid(),
            display_name    text not null check (char_length(display_name) between 1 and 50),
            handle          text collate "C" not null unique check (handle ~ '^[a-z0-9_]{3,30}$'),
            email           text,
            cognito_user_id text not null unique,
            created_at      timestamptz not null default now()
        )
    """)


def downgrade() -> None:
    op.execute("drop table users")
