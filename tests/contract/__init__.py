"""The OpenAPI document: what it says, what tools make of it, and that nobody breaks it unseen."""
