"""openapi: the HTTP contract, made from the routes."""
