"""The waiting alone: N labs of one organisation in one process, each in the package's own waiting loop.

`python -m bench.contenders.waiters N each|shared SECONDS`. `each`: every lab asks the service itself, as N
`pulumi up` do. `shared`: they read together, as the labs of one driver do. After SECONDS it
prints what the waiting cost as JSON.
"""

import json
import os
import sys
import threading
import time

from vmc_account_link.api.client import VmcClient
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import WaitInterrupted
from vmc_account_link.link.progress import LinkTarget
from vmc_account_link.link.wait import wait_until_linked
from vmc_account_link.settings import read_settings
from vmc_labs.fleet import sharing

_FIRST_ACCOUNT = 300_000_000_000
_LONG_SECONDS = 3600.0
_STACK_BYTES = 256 * 1024
"""Of each thread: a thousand of the default 8 MB would be most of an address space on small machines."""


def main() -> None:
    """Wait, and tell what it cost."""
    labs, way, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    settings = read_settings(lambda _: None, os.environ)
    new_client = sharing.open_client if way == "shared" else VmcClient
    with VmcClient(settings) as vmc:
        tasks = [vmc.request_link().tracking_task for _ in range(labs)]
    stop = threading.Event()
    # What the loop tells a person is not wanted a thousand times.
    context = CallContext(emit_progress=lambda _: None, canceled=stop)
    interrupted: list[int] = []
    threading.stack_size(_STACK_BYTES)
    clients = [new_client(settings, context=context) for _ in tasks]
    threads = [
        threading.Thread(target=_wait, args=(vmc, number, task, context, interrupted), daemon=True)
        for number, (vmc, task) in enumerate(zip(clients, tasks, strict=True))
    ]
    for thread in threads:
        thread.start()
    cpu = time.process_time()
    time.sleep(seconds)
    cpu = time.process_time() - cpu
    stop.set()
    for thread in threads:
        thread.join()
    result = {"cpu_seconds": cpu, "seconds": seconds, "waited_to_the_end": len(interrupted)}
    print(json.dumps(result), flush=True)  # noqa: T201 - a script tells


def _wait(
    vmc: VmcClient, number: int, task: str | None, context: CallContext, interrupted: list[int]
) -> None:
    link = LinkTarget(
        account_number=str(_FIRST_ACCOUNT + number), stack_name="SDDC-Account-Link", tracking_task=task
    )
    with vmc:
        try:
            wait_until_linked(vmc, link, timeout_seconds=_LONG_SECONDS, context=context)
        except WaitInterrupted:
            interrupted.append(number)


if __name__ == "__main__":
    main()
