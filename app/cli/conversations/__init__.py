"""Read, export and import conversations."""
