"""The OpenAPI document: its contents, what tools make of it, and that no break of it stays unseen."""
