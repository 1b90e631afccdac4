"""Requests: groups that a user has started with another one, until that one accepts."""
