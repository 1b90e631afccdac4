"""The composition root: the application, with its middleware and routes, and the lifespan of a process."""

from app.main.application import create_app

__all__ = ["create_app"]
