"""Moderation: why and until when users are disabled, what users report, and what operators have read.

A report keeps the messages as they stood for the reporter, since they may be edited or deleted afterwards. Of one
target a reporter has one open report. `operator_reads` has an entry for each command that showed messages; `people` are
those whose conversations it showed; without people and group it may have shown any.

Going down forgets all of it; users stay disabled.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("alter table users add column disabled_until timestamptz, add column disabled_reason text")
    op.execute("create index users_disabled on users (disabled_at) where disabled_at is not null")
    _record_changes_of("cognito_user_id, disabled_at, disabled_until")
    op.execute("""
        create table reports (
            id             bigint generated always as identity primary key,
            uuid           uuid not null,
            reporter_uuid  uuid not null,
            reported_uuid  uuid not null,
            group_uuid     uuid,
            message_number bigint,
            reason         text not null,
            note           text not null,
            messages       json not null,
            created_at     timestamptz not null default now(),
            closed_at      timestamptz,
            closed_by      text,
            closing_note   text,
            unique (reporter_uuid, uuid)
        )
    """)
    op.execute("""
        create unique index reports_open_user on reports (reporter_uuid, reported_uuid)
        where closed_at is null and group_uuid is null
    """)
    op.execute("""
        create unique index reports_open_message on reports (reporter_uuid, group_uuid, message_number)
        where closed_at is null and group_uuid is not null
    """)
    op.execute("create index reports_open on reports (created_at) where closed_at is null")
    op.execute("create index reports_closed on reports (closed_at) where closed_at is not null")
    op.execute("""
        create table operator_reads (
            id         bigint generated always as identity primary key,
            read_at    timestamptz not null default now(),
            os_user    text not null,
            operator   text not null,
            command    text not null,
            reason     text,
            group_uuid uuid,
            people     uuid[] not null
        )
    """)
    op.execute("create index operator_reads_people on operator_reads using gin (people)")


def _record_changes_of(columns: str) -> None:
    """Have changes of these columns recorded, as 0002 does."""
    for each, function in (("row", "record_account_change"), ("statement", "forget_account_changes")):
        op.execute(f"""
            create or replace trigger {function} after update of {columns} or delete on users
            for each {each} execute function {function}()
        """)


def downgrade() -> None:
    op.execute("drop table operator_reads")
    op.execute("drop table reports")
    _record_changes_of("cognito_user_id, disabled_at")
    op.execute("drop index users_disabled")
    op.execute("alter table users drop column disabled_until, drop column disabled_reason")
