"""JSON logs: an object on each line, without the contents of messages."""

import json
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from pydantic_core import to_json

if TYPE_CHECKING:
    from structlog.typing import ExcInfo, Processor


def configure_logging(level: str) -> None:
    """Write all logs, of the service and of libraries, as JSON to standard error.

    Those of the service do not pass the standard library's handlers, which take three times the CPU.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_without_contents),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(_to_json)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    processors: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=processors, foreign_pre_chain=shared))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for library in ("httpx", "httpcore", "aiobotocore", "botocore", "boto3", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True  # its lines contain paths, and paths contain handles
    for server in ("uvicorn", "uvicorn.error"):  # uvicorn has installed its own, which write plain text
        logging.getLogger(server).handlers.clear()
        logging.getLogger(server).propagate = True


def _to_json(event: dict[str, Any], default: Callable[[Any], Any]) -> bytes:
    """Return the event as JSON in UTF-8. A text that UTF-8 cannot hold, with a lone surrogate, is escaped."""
    try:
        return to_json(event, fallback=default)
    except ValueError:
        return json.dumps(event, default=default).encode()


_described = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def _without_contents(exc_info: "ExcInfo") -> list[dict[str, Any]]:
    """Return types and frames, without local variables and messages: they may contain texts and SQL parameters."""
    return list(map(_bare, _described(exc_info)))


def _bare(part: dict[str, Any]) -> dict[str, Any]:
    members = [list(map(_bare, member)) for member in part["exceptions"]]
    return part | {"exc_value": "", "exc_notes": [], "syntax_error": None, "exceptions": members}
