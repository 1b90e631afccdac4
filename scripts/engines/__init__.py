"""The databases that a laptop runs instead of Amazon's: each is a small class with start, address and stop."""
