"""Serves the package `vmc-account-link` where the engine's language host for Python runs this folder."""

from vmc_account_link.component_provider import main

main()
