"""Observability: the logs and the counters of a process."""
