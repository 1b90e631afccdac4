"""Times in JSON."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis.strategies import datetimes, just

from app.http.types import to_rfc3339


@given(datetimes(timezones=just(UTC)))
def test_times_are_written_to_the_millisecond(at: datetime) -> None:
    assert to_rfc3339(at) == at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
