"""Erased users: the work that an erasure leaves, and digests that keep handles and accounts from coming back.

The row in users is deleted, and its handle and subject are kept as SHA-256 digests. A trigger refuses users with them,
after the unique constraints have waited for a deletion that runs at the same time: a condition of the INSERT would have
been read before. `due_at` is when any process may go on with the work; a process that works has moved it ahead.

A role that may delete users need not write account_changes itself: the trigger has the rights of the tables' owner.

Going down forgets which users are erased.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        create table erasures (
            user_uuid         uuid primary key,
            subject_digest    bytea not null unique,
            handle_digest     bytea,
            erased_at         timestamptz not null default now(),
            handle_held_until timestamptz not null,
            removes_messages  boolean not null,
            due_at            timestamptz,
            finished_at       timestamptz,
            counts            jsonb not null default '{}'
        )
    """)
    op.execute("create index erasures_due on erasures (due_at) where due_at is not null")
    op.execute("create index erasures_handle on erasures (handle_digest) where handle_digest is not null")
    op.execute("""
        create function refuse_erased_user() returns trigger
        language plpgsql security definer set search_path from current as $$
        begin
            if exists (
                select from erasures where user_uuid = new.uuid
                or subject_digest = sha256(convert_to(new.cognito_user_id, 'UTF8'))
                or (handle_digest = sha256(convert_to(new.handle, 'UTF8')) and handle_held_until > clock_timestamp())
            ) then
                raise unique_violation using message = 'an erased user had this id, handle or subject';
            end if;
            return null;
        end
        $$
    """)
    op.execute("""
        create trigger refuse_erased_user after insert or update of uuid, handle, cognito_user_id on users
        for each row execute function refuse_erased_user()
    """)
    for function in ("record_account_change()", "forget_account_changes()"):
        op.execute(f"alter function {function} security definer set search_path from current")


def downgrade() -> None:
    for function in ("record_account_change()", "forget_account_changes()"):
        op.execute(f"alter function {function} security invoker reset search_path")
    op.execute("drop trigger refuse_erased_user on users")
    op.execute("drop function refuse_erased_user()")
    op.execute("drop table erasures")
