"""`python -m app.cli` is the same as `cruddur`."""

from app.cli.main import run

run()
