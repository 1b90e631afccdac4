"""A message service as tutorials write it, in Flask, to compare with: it runs in an environment of its own."""
