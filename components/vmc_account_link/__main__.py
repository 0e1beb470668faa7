"""`vmc-account-link`: see `vmc_account_link.cli`."""

import sys

from vmc_account_link.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
