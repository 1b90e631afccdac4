"""JSON logs: an object on each line, without the contents of messages."""

import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import ExcInfo, Processor


def configure_logging(level: str) -> None:
    """Write all logs, of the service and of libraries, as JSON to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_without_contents),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
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


_described = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def _without_contents(exc_info: "ExcInfo") -> list[dict[str, Any]]:
    """Return types and frames, without local variables and messages: they may contain texts and SQL parameters."""
    return list(map(_bare, _described(exc_info)))


def _bare(part: dict[str, Any]) -> dict[str, Any]:
    members = [list(map(_bare, member)) for member in part["exceptions"]]
    return part | {"exc_value": "", "exc_notes": [], "syntax_error": None, "exceptions": members}
