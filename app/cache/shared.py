"""What processes share: one kind of values in Valkey, each with the generation that it belongs to."""

import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Generic

from app.cache.kinds import NEGATIVE_SECONDS, K, Kind, V
from app.gateways.valkey import Command, Valkey, ValkeyAway

CHANNEL = "cache:forgotten"
OWED = 1_000
"""Keys to forget as soon as Valkey is back."""


class Shared(Generic[K, V]):
    """One kind of values in Valkey. When that is away, nothing is found and nothing kept."""

    def __init__(self, kind: Kind[K, V], valkey: Valkey) -> None:
        self._kind = kind
        self._valkey = valkey
        self._owed: dict[K, object] = {}

    async def read(self, keys: set[K]) -> tuple[dict[K, V | None], dict[K, bytes]]:
        """What is there, and for all else the gen with which a value is to be written. Neither, if Valkey is away."""
        found: dict[K, V | None] = {}
        generations: dict[K, bytes] = {}
        try:
            rows = await self._calls([("HMGET", self._name(key), "gen", "value", "of") for key in keys])
            for key, (gen, value, of) in zip(keys, rows, strict=True):
                if gen and gen == of:
                    with suppress(ValueError, TypeError):  # another version of us may have written it
                        found[key] = self._kind.unpack(value) if value else None
                elif gen:
                    generations[key] = gen
            return found, generations | await self._make_generations(keys - found.keys() - generations.keys())
        except ValkeyAway:
            return {}, {}

    async def _make_generations(self, keys: set[K]) -> dict[K, bytes]:
        if not keys:
            return {}
        commands: list[Command] = []
        for name in map(self._name, keys):
            commands += (
                ("HSETNX", name, "gen", secrets.token_bytes(8)),
                ("EXPIRE", name, int(NEGATIVE_SECONDS), "NX"),
                ("HGET", name, "gen"),
            )
        return dict(zip(keys, (await self._calls(commands))[2::3], strict=True))

    async def fill(self, values: Mapping[K, V | None], generations: Mapping[K, bytes]) -> set[K]:
        """Write what was loaded. Returns what may have been forgotten since the gens were read."""
        commands: list[Command] = []
        for key, value in values.items():
            name, packed = self._name(key), b"" if value is None else self._kind.pack(value)
            commands += (
                ("HSET", name, "value", packed, "of", generations[key]),
                ("EXPIRE", name, int(self._kind.seconds_of(value))),
                ("HGET", name, "gen"),
            )
        try:
            answers = (await self._calls(commands))[2::3]
        except ValkeyAway:
            return set(values)
        return {key for key, gen in zip(values, answers, strict=True) if gen != generations[key]}

    async def forget(self, keys: Collection[K]) -> None:
        """Delete and tell the other processes; what cannot be done now goes before whatever is asked next."""
        if len(self._owed) < OWED:
            self._owed |= {key: object() for key in keys}
        with suppress(ValkeyAway):
            await self._calls([])

    async def _calls(self, commands: list[Command]) -> list[Any]:
        owed = dict(self._owed)
        first: list[Command] = []
        for key in owed:
            first.append(("DEL", self._name(key)))
            if self._kind.has_copies:
                first.append(("SPUBLISH", CHANNEL, f"{self._kind.name} {key}"))
        answers = await self._valkey.calls(first + commands)
        for key, since in owed.items():
            if self._owed.get(key) is since:  # and not forgotten once more meanwhile
                del self._owed[key]
        return answers[len(first) :]

    def _name(self, key: K) -> str:
        return f"cache:{self._kind.name}:{key}"
