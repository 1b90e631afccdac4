"""The test suite: mirrors the tree, runs on real engines."""
