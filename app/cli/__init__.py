"""The `cruddur` command line: one folder for each group of commands."""
