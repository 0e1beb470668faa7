"""The fleet command. In this release it has one verb, `recover`; it is not in the wheel."""
