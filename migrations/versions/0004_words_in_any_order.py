"""Words in any order: a search names two words of a display name in either order, and may leave out those between.

A key begins with two words of the name and goes on with those that follow the second, then those before it: beside
"maria berg anna" Anna Maria Berg has "berg maria anna". A name of two words has two keys as before, one of three has
six in place of three, one of eight words, the most that count, 56.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("lock table users in share row exclusive mode")  # no user is added or renamed with the old function
    op.execute("""
        create or replace function user_search_keys(handle text, display_name text) returns setof text
        language sql immutable strict parallel safe as $$
            select handle
            union
            select left(concat_ws(' ', words[n], words[m], (
                select string_agg(word, ' ' order by at < m, at) from unnest(words) with ordinality as other (word, at)
                where at <> n and at <> m
            )), 60)
            from (select string_to_array(btrim(search_text(display_name)), ' ') as words) as name
            cross join generate_series(1, least(cardinality(words), 8)) as n
            left join generate_series(1, least(cardinality(words), 8)) as m on m <> n
        $$
    """)
    op.execute("""
        insert into search_keys select user_search_keys(handle, display_name), handle from users on conflict do nothing
    """)


def downgrade() -> None:
    op.execute("lock table users in share row exclusive mode")
    op.execute("""
        create or replace function user_search_keys(handle text, display_name text) returns setof text
        language sql immutable strict parallel safe as $$
            select handle
            union
            select left(array_to_string(words[n :] || words[1 : n - 1], ' '), 60)
            from (select string_to_array(btrim(search_text(display_name)), ' ') as words) as name,
            generate_series(1, least(cardinality(words), 8)) as n
        $$
    """)
    op.execute("delete from search_keys")
    op.execute("insert into search_keys select user_search_keys(handle, display_name), handle from users")
