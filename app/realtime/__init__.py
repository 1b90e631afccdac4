"""Live events: what was written is told to whom it concerns: at once, resumable, and never instead of the log."""
