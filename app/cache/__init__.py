"""What is read often and changes seldom, kept in the process and, where there is a Valkey, between processes.

A value in Valkey is one hash, {gen, value, of}, and counts only while `of` equals `gen`. Who reads and finds nothing
makes sure of a random gen, loads, and writes the value `of` that gen. Forgetting deletes the hash, so whoever loaded
before writes something that never counts. A hash that expires or is pushed out is simply forgotten.

How old a value may be: nothing that was forgotten is found afterwards, in any process, apart from the moment in which
the news of it travels to processes that keep copies. If Valkey hangs unnoticed, copies live for 5.5 s more; while it is
known to be away, for 1 s. A process that could not forget does so when Valkey is back; should it end before, the value
lives for its `seconds`. Only when the source is away as well, kinds with `outlives` go on with what was last known.
"""

from app.cache.caches import Cache, Caches, Count, open_caches
from app.cache.kinds import NEGATIVE_SECONDS, Kind

__all__ = ["NEGATIVE_SECONDS", "Cache", "Caches", "Count", "Kind", "open_caches"]
