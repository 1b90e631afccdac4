"""Users: registration, search, handles and display names."""
