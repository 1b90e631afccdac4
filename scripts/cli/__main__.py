"""`python -m scripts.cli` is the same as `cruddur`."""

from scripts.cli.main import run

run()
