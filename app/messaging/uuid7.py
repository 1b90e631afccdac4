"""UUIDv7 (RFC 9562, section 5.7): ids that sort by the time they were made."""

import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """48 bits of milliseconds since 1970, then 74 random ones."""
    ms = time.time_ns() // 1_000_000
    random_a, random_b = secrets.randbits(12), secrets.randbits(62)
    return UUID(int=ms << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)
