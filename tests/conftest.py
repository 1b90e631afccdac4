"""Only lists the plugins."""

pytest_plugins = [
    "tests.fixtures.engines",
    "tests.fixtures.app",
    "tests.fixtures.emulator",
    "tests.fixtures.event_loop",
    "tests.fixtures.leftovers",
    "tests.fixtures.soak",
]
