"""Benchmarks, which scripts/bench runs: both sides in one run, ratios of medians. Only their own tests are tests."""
