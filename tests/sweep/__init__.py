"""The fault sweep: every call of a clean `up` and `destroy` × every kind of fault. `python -m tests.sweep`."""
