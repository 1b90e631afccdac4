"""UUIDv7 (RFC 9562, section 5.7): ids that sort by the time of their creation."""

import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a new UUIDv7: 48 bits of milliseconds since 1970 and 74 random bits."""
    ms = time.time_ns() // 1_000_000
    random_a, random_b = secrets.randbits(12), secrets.randbits(62)
    return UUID(int=ms << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)
