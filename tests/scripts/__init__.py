"""Tests of what starts, stops and sets up: with real processes."""
