"""The command line: `vmc-account-link inspect | doctor | status | recover`.

It may import anything of the package; nothing of the package imports it. What it needs beyond the package
comes with the extra `vmc-account-link[cli]` (ADR 0012).
"""
