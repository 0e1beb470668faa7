"""Gets the Pulumi CLI and the AWS provider: `python -m tools.engine`, called by `make setup`."""
