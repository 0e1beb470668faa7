"""Loads the profile of Hypothesis for these tests."""

from hypothesis import settings

from tests.properties.profiles import PROFILE

settings.register_profile("test", PROFILE)
settings.load_profile("test")
