"""Bring the boot camp's table and users into this service."""
