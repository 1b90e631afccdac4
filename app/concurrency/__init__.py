"""Concurrency: deadlines, backoff, background tasks, throttled work, and the listeners of what was written."""

from app.concurrency.backoff import (
    AWS_COMMAND,
    DYNAMODB_COMMAND,
    DYNAMODB_REQUEST,
    INBOX_ROW,
    NUMBER_CONTENTION,
    VALKEY_CONNECT,
    Backoff,
    full_jitter,
)
from app.concurrency.deadlines import READ_SECONDS, SEND_SECONDS, count_wait, deadline
from app.concurrency.tasks import TaskSet, bugs_logged, repeating, running, wait, wait_for_event

__all__ = [
    "AWS_COMMAND", "DYNAMODB_COMMAND", "DYNAMODB_REQUEST", "INBOX_ROW", "NUMBER_CONTENTION", "READ_SECONDS",
    "SEND_SECONDS", "VALKEY_CONNECT", "Backoff", "TaskSet", "bugs_logged", "count_wait", "deadline", "full_jitter",
    "repeating", "running", "wait", "wait_for_event",
]  # fmt: skip
