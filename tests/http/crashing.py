"""The service with routes that fail in the ways that tempt a log into saying too much; for `uvicorn --factory`."""

import asyncpg
import structlog
from fastapi import FastAPI
from pydantic import BaseModel

from app.main import create_app

CANARY = "canary-text"


class Strict(BaseModel):
    """A model with validation errors that repeat the input."""

    number: int


async def crash_with_a_sentence() -> None:
    message = CANARY
    raise RuntimeError(f"cannot store {message}")


async def crash_with_a_cause() -> None:
    try:
        Strict.model_validate({"number": CANARY})
    except ValueError as error:
        error.add_note(CANARY)
        raise KeyError(CANARY) from error


async def crash_in_a_group() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY), asyncpg.DataError(CANARY)])


async def answer_wrongly() -> int:
    return CANARY  # type: ignore[return-value]  # that is the fault


async def log_an_exception() -> None:
    try:
        raise asyncpg.UniqueViolationError(CANARY)
    except asyncpg.UniqueViolationError:
        structlog.get_logger("app.test").exception("caught")


def create() -> FastAPI:
    app = create_app()
    for route in (crash_with_a_sentence, crash_with_a_cause, crash_in_a_group, answer_wrongly, log_an_exception):
        app.add_api_route(f"/api/crash/{route.__name__}", route, include_in_schema=False)
    return app
