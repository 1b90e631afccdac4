"""Tests of the stored shapes."""
