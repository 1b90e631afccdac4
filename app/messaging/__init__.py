"""Message groups: one append-only log per group and one inbox row per member."""
