"""Settings of users for messaging and privacy: one item of a user, cached."""
