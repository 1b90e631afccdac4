"""Profiles: what users say about themselves, and whether a search finds them.

A user that is not to be found has no search keys, so that the cost of a page of a search depends on the users that it
finds only. The trigger of 0003 takes the keys away in the statement that hides the user.

Going down makes all users be found, and forgets what they said about themselves.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""
        alter table users
            add column about text not null default '' check (char_length(about) <= 160),
            add column is_discoverable boolean not null default true
    """)
    op.execute("""
        create or replace function write_search_keys() returns trigger
        language plpgsql security definer set search_path from current as $$
        begin
            if tg_op = 'UPDATE' and (old.handle, old.display_name, old.is_discoverable)
                is not distinct from (new.handle, new.display_name, new.is_discoverable) then
                return null;
            end if;
            if tg_op <> 'INSERT' then
                delete from search_keys where handle = old.handle;
            end if;
            if tg_op <> 'DELETE' and new.is_discoverable then
                insert into search_keys select user_search_keys(new.handle, new.display_name), new.handle
                on conflict do nothing;
            end if;
            return null;
        end
        $$
    """)
    _write_keys_after_changes_of("handle, display_name, is_discoverable")


def _write_keys_after_changes_of(columns: str) -> None:
    op.execute(f"""
        create or replace trigger write_search_keys after insert or update of {columns} or delete on users
        for each row execute function write_search_keys()
    """)


def downgrade() -> None:
    op.execute("""
        create or replace function write_search_keys() returns trigger
        language plpgsql security definer set search_path from current as $$
        begin
            if tg_op <> 'INSERT' then
                delete from search_keys where handle = old.handle;
            end if;
            if tg_op <> 'DELETE' then
                insert into search_keys select user_search_keys(new.handle, new.display_name), new.handle
                on conflict do nothing;
            end if;
            return null;
        end
        $$
    """)
    _write_keys_after_changes_of("handle, display_name")
    op.execute("""
        insert into search_keys select user_search_keys(handle, display_name), handle from users
        where not is_discoverable
    """)
    op.execute("alter table users drop column about, drop column is_discoverable")
