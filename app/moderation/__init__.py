"""Moderation: what users report to the operators, and what operators have read of conversations."""
