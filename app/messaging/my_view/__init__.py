"""A member's own view of a group: what the member sets, and no other member sees."""
