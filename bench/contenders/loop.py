"""The textbook Automation API loop: create_or_select_stack, set_all_config, up; alone or in a thread pool.

`loop.py LABS.json [THREADS]`, in the folder of the program.
"""

import concurrent.futures
import json
import sys
from pathlib import Path
from typing import Any

from pulumi import automation as auto


def raise_lab(lab: dict[str, Any]) -> str:
    """Raise one lab and return the id of its connected account."""
    options = auto.LocalWorkspaceOptions(env_vars=lab["environment"])
    stack = auto.create_or_select_stack(stack_name=lab["name"], work_dir=str(Path.cwd()), opts=options)
    account = auto.ConfigValue(lab["account_number"])
    stack.set_all_config({"awsAccountId": account, "tags.owner": auto.ConfigValue("workshop")}, path=True)
    return str(stack.up().outputs["connected_account_id"].value)


def main() -> None:
    """Raise every lab of the file."""
    labs_file, *threads = sys.argv[1:]
    labs = json.loads(Path(labs_file).read_text(encoding="utf-8"))
    with concurrent.futures.ThreadPoolExecutor(int(threads[0]) if threads else 1) as pool:
        connected = set(pool.map(raise_lab, labs))
    print(f"{len(connected)} accounts connected")  # noqa: T201 - a script tells


if __name__ == "__main__":
    main()
