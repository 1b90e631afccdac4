"""Benchmarks: run by hand, both sides in one run, ratios of medians. Never a part of the tests."""
