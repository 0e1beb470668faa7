"""A fleet's spec: its file -> frozen values; every mistake with file, line and key."""
