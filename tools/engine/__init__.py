"""Makes sure a Pulumi engine is there: `python -m tools.engine`, called by `make setup`."""
