"""The service's HTTP API: requests, when they are repeated, the access token, errors, typed responses."""
