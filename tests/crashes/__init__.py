"""The crash sweep: kill -9 everywhere, then what the README says, then `up`. `make crashes` runs it."""
