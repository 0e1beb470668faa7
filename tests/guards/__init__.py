"""Tests of the tests: each behaviour that they guard is taken out once, and they have to notice."""
