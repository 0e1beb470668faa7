"""The driver's heaps, in a process of its own: the choice holds for a process's life."""

import platform
import subprocess
import sys

import pytest

from tests.support.places import REPOSITORY

COUNT_HEAPS = """
import ctypes, os, sys, tempfile, threading
if sys.argv[1] == "shared":
    from labs.memory import share_heaps
    share_heaps()
libc = ctypes.CDLL(None)
for name in ("malloc", "fopen"):
    getattr(libc, name).restype = ctypes.c_void_p
together = threading.Barrier(12)
def allocate():
    together.wait()
    libc.malloc(100_000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "heaps.xml")
    file = ctypes.c_void_p(libc.fopen(path.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(open(path).read().count("<heap "))
"""


def heaps(how: str) -> int:
    """How many heaps the C library keeps for a process that has run twelve threads."""
    counted = subprocess.run(
        [sys.executable, "-c", COUNT_HEAPS, how], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return int(counted.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such heaps")
def test_many_threads_share_two_heaps() -> None:
    assert heaps("own") > 2
    assert heaps("shared") <= 2
