"""Programs that make one call again and again; each is a process of its own, and aiodynamo's an environment too."""
