"""Tests of `vmc-account-link`."""
