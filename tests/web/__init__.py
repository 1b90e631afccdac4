"""Tests of the page: its types, its logic, and its behaviour in a real browser."""
