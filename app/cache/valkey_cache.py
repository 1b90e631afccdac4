"""ValkeyCache: the part of one spec's cache that processes share: its values, or only their invalidations."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Generic

from app.cache.specs import NEGATIVE_TTL, CacheSpec, K, V
from app.gateways.valkey import Command, Valkey, ValkeyUnavailable

CHANNEL = "cache:invalidations"
MAX_PENDING = 1_000
"""Keys of a spec whose invalidation is kept until Valkey answers again."""


TRIAL: Final[Sequence[Command]] = (
    ("HMGET", "cache:trial", "gen"),
    ("HSETNX", "cache:trial", "gen", b""),
    ("EXPIRE", "cache:trial", 1, "NX"),
    ("HSET", "cache:trial", "value", b""),
    ("HGET", "cache:trial", "gen"),
    ("DEL", "cache:trial"),
    ("SPUBLISH", CHANNEL, "trial "),
)
"""One of each command that caches send, beside those of their subscriber."""


class ValkeyCache(Generic[K, V]):
    """The values of a spec with a codec, each stored under the generation it was loaded in; else invalidations only.

    While Valkey is unavailable, every key is a miss and nothing is stored.
    Each method costs one round trip of one pipeline, `read` one more for the keys without a generation.
    """

    def __init__(self, spec: CacheSpec[K, V], valkey: Valkey) -> None:
        self._spec = spec
        self._valkey = valkey
        self._pending_invalidations: dict[K, object] = {}

    async def read(self, keys: set[K]) -> tuple[dict[K, V | None], dict[K, bytes]]:
        """Return the valid values, and for every other key the generation to store it under.

        Both are empty without a codec, and if Valkey is unavailable.
        """
        values: dict[K, V | None] = {}
        generations: dict[K, bytes] = {}
        if (codec := self._spec.codec) is None:
            await self._publish_pending()
            return values, generations
        try:
            rows = await self._pipeline([("HMGET", self._name(key), "gen", "value", "value_gen") for key in keys])
            for key, (gen, value, value_gen) in zip(keys, rows, strict=True):
                if gen and gen == value_gen:
                    with suppress(ValueError, TypeError):
                        values[key] = codec.deserialize(value) if value else None
                elif gen:
                    generations[key] = gen
            return values, generations | await self._make_generations(keys - values.keys() - generations.keys())
        except ValkeyUnavailable:
            return {}, {}

    async def _make_generations(self, keys: set[K]) -> dict[K, bytes]:
        if not keys:
            return {}
        commands: list[Command] = []
        for name in map(self._name, keys):
            commands += (
                ("HSETNX", name, "gen", secrets.token_bytes(8)),
                ("EXPIRE", name, int(NEGATIVE_TTL), "NX"),
                ("HGET", name, "gen"),
            )
        return dict(zip(keys, (await self._pipeline(commands))[2::3], strict=True))

    async def store_many(self, values: Mapping[K, V | None], generations: Mapping[K, bytes]) -> set[K]:
        """Store loaded values under their generations; return the keys that may have been invalidated since."""
        codec = self._spec.codec
        commands: list[Command] = []
        for key, value in values.items():
            name, content = self._name(key), b"" if value is None or codec is None else codec.serialize(value)
            commands += (
                ("HSET", name, "value", content, "value_gen", generations[key]),
                ("EXPIRE", name, int(self._spec.ttl_of(value))),
                ("HGET", name, "gen"),
            )
        try:
            current = (await self._pipeline(commands))[2::3]
        except ValkeyUnavailable:
            return set(values)
        return {key for key, gen in zip(values, current, strict=True) if gen != generations[key]}

    async def invalidate(self, keys: Collection[K]) -> None:
        """Delete these keys, or tell other processes; if that fails, before the next command. Never raises.

        At most MAX_PENDING keys are kept for later; values of the others live for their ttl.
        """
        if len(self._pending_invalidations) < MAX_PENDING:
            self._pending_invalidations |= {key: object() for key in keys}
        await self._publish_pending()

    async def _publish_pending(self) -> None:
        with suppress(ValkeyUnavailable):
            await self._pipeline([])

    async def _pipeline(self, commands: list[Command]) -> list[Any]:
        """Run the pending invalidations first, then these commands; return the replies to these."""
        pending = dict(self._pending_invalidations)
        if not pending and not commands:
            return []
        replies = await self._valkey.calls([*map(self._invalidation, pending), *commands])
        for key, marker in pending.items():
            if self._pending_invalidations.get(key) is marker:  # else the key was invalidated once more meanwhile
                del self._pending_invalidations[key]
        return replies[len(pending) :]

    def _invalidation(self, key: K) -> Command:
        is_shared = self._spec.codec is not None
        return ("DEL", self._name(key)) if is_shared else ("SPUBLISH", CHANNEL, f"{self._spec.name} {key}")

    def _name(self, key: K) -> str:
        return f"cache:{self._spec.name}:{key}"
