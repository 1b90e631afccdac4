"""A read-through cache for values that are read often and change seldom: in the process, or in Valkey if there is one.

Values that authorise, or say which user a name means, stay in the process: a write to Valkey changes nothing of them.
Values with a codec, which are counters, are in Valkey only.

A value in Valkey is one hash, {gen, value, value_gen}, and is valid only while `value_gen` equals `gen`. A reader that
finds no valid value makes sure of a random `gen`, loads the value, and stores it under that `gen`. Invalidating a key
deletes its hash, so a value that was loaded before is stored under a `gen` that no longer counts. A hash that expires
or is evicted is a miss.

How old a value may be: an invalidated value is not read again, in any process, except that a value of a process lives
during the moment in which the message travels to it. If Valkey hangs unnoticed, values of processes live for 5.5 s
more; while the connection is known to be down, for 1 s. A process that could not invalidate does so as soon as Valkey
answers again; if the process ends before that, the value lives for its `ttl`. Only specs with `stale_if_error` serve
the last known value, and only while the source fails.
"""

from app.cache.cache import Cache, Count
from app.cache.caches import Caches, open_caches
from app.cache.specs import NEGATIVE_TTL, CacheSpec, Codec

__all__ = ["NEGATIVE_TTL", "Cache", "CacheSpec", "Caches", "Codec", "Count", "open_caches"]
