"""How tests and people steer a running sandbox: over HTTP, under `/sandbox/` of the VMC server."""
