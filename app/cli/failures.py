"""The failures of a command: one line that says what to do, and the exit code.

0    done
1    something is wrong or missing, such as a hole, a difference or an unknown handle
2    an argument, a setting, an input file or the output is wrong, or accounts or users are left unmatched
3    DynamoDB, Postgres or another service is unavailable
4    refused: not confirmed, or protected
70   a bug of the program; --debug shows where
130  interrupted; the same command goes on
141  the reader of the output has ended before the command
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Final

from app.errors import AppError, InvalidSettings, with_hint

OUTPUT_FAILURES: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
SQLITE_FULL: Final = "database or disk is full"


class Code(IntEnum):
    """The exit codes, as the module describes them."""

    DONE = 0
    WRONG = 1
    USAGE = 2
    UNAVAILABLE = 3
    REFUSED = 4
    BUG = 70
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class Failure(Exception):
    """An expected failure: a sentence for the operator and the exit code."""

    def __init__(self, sentence: str, code: Code = Code.WRONG) -> None:
        super().__init__(sentence)
        self.code = code


def explained(error: Exception) -> tuple[str, Code]:
    """Return the sentence for an error and the exit code."""
    if isinstance(error, Failure):
        return str(error), error.code
    if isinstance(error, InvalidSettings):
        return str(error), Code.USAGE
    if sentence := out_of_space(error):
        return sentence, Code.USAGE
    if isinstance(error, AppError):
        return with_hint(error), Code.UNAVAILABLE
    return f"{type(error).__name__}: {error}. This is a bug of the program; --debug shows where.", Code.BUG


@contextmanager
def output_errors_explained(output: Path | None) -> Iterator[None]:
    """Raise a Failure in place of the error of an output that cannot be written, unless its reader has ended."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"{output or 'The output'} cannot be written: {error.strerror}.", Code.USAGE) from error


def out_of_space(error: Exception) -> str:
    """Return the sentence for an output or a temporary file that has no space left, empty for any other error."""
    if isinstance(error, OSError) and error.errno in OUTPUT_FAILURES:
        return f"The output cannot be written: {error.strerror}."
    if str(error) == SQLITE_FULL:
        return "There is no space left for temporary files: free some, or set TMPDIR to another folder."
    return ""
