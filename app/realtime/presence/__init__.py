"""Presence: which users are online and when they were seen last, for peers if both of them want that."""
