"""The fault sweep: every call of a clean `up` and `destroy` by every kind of fault. Start it as a module."""
