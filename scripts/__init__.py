"""What people and machines run from a checkout: start, test, check, lock."""
