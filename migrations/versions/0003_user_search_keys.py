"""Search keys: users are found by the beginning of their handle, or of any word of their display name.

A user has a key for the handle, and one for each word of the name, which goes on with the other words: those of Anna
Maria Berg are "anna maria berg", "maria berg anna" and "berg anna maria". So a search is one range of the index, and
a page of it costs the same whatever the number of users. Keys have neither case nor accents.

A trigger writes the keys with the rights of the tables' owner, so that every way to add or rename a user is noticed.
`lower` follows the locale of the database: under C it knows the letters of ASCII only.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(r"""
        create function search_text(text) returns text language sql immutable strict parallel safe as $$
            select regexp_replace(lower(
                translate(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g'), 'øØđĐłŁıħĦ', 'oOdDlLihH')
                collate "default"
            ), '[\s.,;:!?"''’`´(){}\[\]/&+–—-]+', ' ', 'g')
        $$
    """)
    op.execute("""
        create function user_search_keys(handle text, display_name text) returns setof text
        language sql immutable strict parallel safe as $$
            select handle
            union
            select left(array_to_string(words[n :] || words[1 : n - 1], ' '), 60)
            from (select string_to_array(btrim(search_text(display_name)), ' ') as words) as name,
            generate_series(1, least(cardinality(words), 8)) as n
        $$
    """)
    op.execute("""
        create table search_keys (
            key    text collate "C" not null,
            handle text collate "C" not null,
            primary key (key, handle)
        )
    """)
    op.execute("""
        create function write_search_keys() returns trigger
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
    op.execute("""
        create trigger write_search_keys after insert or update of handle, display_name or delete on users
        for each row execute function write_search_keys()
    """)
    op.execute("create index search_keys_handle on search_keys (handle, key)")
    op.execute("insert into search_keys select user_search_keys(handle, display_name), handle from users")


def downgrade() -> None:
    op.execute("drop trigger write_search_keys on users")
    op.execute("drop function write_search_keys()")
    op.execute("drop table search_keys")
    op.execute("drop function user_search_keys(text, text)")
    op.execute("drop function search_text(text)")
