"""The HTTP edge: routes, problem documents, middleware, and the pages beside the API."""
