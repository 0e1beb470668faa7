"""The textbook Automation API loop: create_or_select_stack, set_all_config, up; alone or in a thread pool.

`python -m bench.contenders.automation_loop PROJECT LABS.json [THREADS]`
"""

import concurrent.futures
import json
import sys
from pathlib import Path
from typing import Any

from pulumi import automation as auto


def raise_lab(project: str, lab: dict[str, Any]) -> str:
    """Raise one lab and return the id of its connected account."""
    stack = auto.create_or_select_stack(
        stack_name=lab["stack"],
        work_dir=project,
        opts=auto.LocalWorkspaceOptions(env_vars=lab["environment"]),
    )
    stack.set_all_config(
        {
            "awsAccountId": auto.ConfigValue(lab["account_number"]),
            "tags.owner": auto.ConfigValue("workshop"),
        },
        path=True,
    )
    return str(stack.up().outputs["connected_account_id"].value)


def main() -> None:
    """Raise every lab of the file."""
    project, labs_file, *threads = sys.argv[1:]
    labs = json.loads(Path(labs_file).read_text(encoding="utf-8"))
    if threads:
        with concurrent.futures.ThreadPoolExecutor(int(threads[0])) as pool:
            connected = list(pool.map(lambda lab: raise_lab(project, lab), labs))
    else:
        connected = [raise_lab(project, lab) for lab in labs]
    print(f"{len(set(connected))} accounts connected")  # noqa: T201 - a script tells


if __name__ == "__main__":
    main()
