"""Tests of `python -m vmc_account_link`."""
