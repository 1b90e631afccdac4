"""Personal data of a user: its export, and the erasure of the user."""
