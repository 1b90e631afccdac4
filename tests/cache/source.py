"""The source of a cache's values."""

import asyncio
from collections.abc import Collection
from typing import Any
from uuid import uuid4

from app.cache import CacheSpec
from app.errors import Unavailable


class Source:
    """The source of a cache's values: records its loads, may be slow, and may fail."""

    def __init__(self) -> None:
        self.name = f"spec-{uuid4().hex[:8]}"
        self.values: dict[str, int] = {}
        self.loads: list[set[str]] = []
        self.seconds = 0.0
        self.is_failing = False

    async def load(self, keys: Collection[str]) -> dict[str, int]:
        self.loads.append(set(keys))
        if self.is_failing:
            raise Unavailable("failing")
        seen = {key: self.values[key] for key in keys if key in self.values}
        await asyncio.sleep(self.seconds)
        return seen

    def spec(self, **options: Any) -> CacheSpec[str, int]:
        defaults: dict[str, Any] = {"parse_key": str, "ttl": 300}
        return CacheSpec(self.name, self.load, **defaults | options)
