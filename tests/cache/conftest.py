"""A source of values for each test."""

import pytest

from tests.cache.source import Source


@pytest.fixture
def source() -> Source:
    return Source()
