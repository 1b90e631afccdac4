"""The programs of a checkout: set up, start, test, check and lock."""
