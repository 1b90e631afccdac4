"""Reading the settings of a process, with one sentence for all that is missing or wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import ValidationError

from app.errors import InvalidSettings
from app.settings.settings import ProcessSettings

S = TypeVar("S", bound=ProcessSettings)


def read_settings(kind: type[S]) -> S:
    """Return the settings of this kind from the environment. Raises InvalidSettings."""
    with _explained():
        return kind()


def changed_settings(settings: S, **values: str) -> S:
    """Return the settings with other values. Raises InvalidSettings."""
    with _explained():
        return settings.model_validate(settings.model_dump() | values)


@contextmanager
def _explained() -> Iterator[None]:
    """Raise InvalidSettings in place of pydantic's ValidationError."""
    try:
        yield
    except ValidationError as error:
        wrong = []
        for each in error.errors():
            message = "is not set" if each["type"] == "missing" else each["msg"].replace("Value error, ", "")
            wrong.append(f"{each['loc'][0]} ".upper() + message if each["loc"] else message)
        raise InvalidSettings(f"{', '.join(wrong)}. Set it right, or start scripts/up to work locally.") from None
