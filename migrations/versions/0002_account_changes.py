"""Disabled users, and a record of changes of accounts.

A process knows the users of accounts by heart. It asks every two seconds which accounts have changed: those of
transactions that were not over at its last question, for which a row has the id of its transaction. A trigger writes
the rows, so that every way to change or remove a user is noticed. Rows live for a day.

Going down forgets which users are disabled.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("alter table users add column disabled_at timestamptz")
    op.execute("""
        create table account_changes (
            id         bigint generated always as identity primary key,
            xid        xid8 not null default pg_current_xact_id(),
            changed_at timestamptz not null default now(),
            user_uuid  uuid not null,
            subjects   text[] not null
        )
    """)
    op.execute("create index account_changes_xid on account_changes (xid)")
    op.execute("""
        create function record_account_change() returns trigger language plpgsql as $$
        begin
            insert into account_changes (user_uuid, subjects)
            values (old.uuid, array_remove(array[old.cognito_user_id, new.cognito_user_id], null));
            return null;
        end
        $$
    """)
    op.execute("""
        create function forget_account_changes() returns trigger language plpgsql as $$
        begin
            delete from account_changes where changed_at < now() - interval '1 day';
            return null;
        end
        $$
    """)
    for each, function in (("row", "record_account_change"), ("statement", "forget_account_changes")):
        op.execute(f"""
            create trigger {function} after update of cognito_user_id, disabled_at or delete on users
            for each {each} execute function {function}()
        """)


def downgrade() -> None:
    op.execute("drop trigger record_account_change on users")
    op.execute("drop trigger forget_account_changes on users")
    op.execute("drop function record_account_change()")
    op.execute("drop function forget_account_changes()")
    op.execute("drop table account_changes")
    op.execute("alter table users drop column disabled_at")
