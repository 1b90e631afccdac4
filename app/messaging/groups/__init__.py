"""Message groups of several members: their head, their members, and what changes them."""
