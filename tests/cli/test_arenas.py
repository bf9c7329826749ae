"""Memory that the C library holds back for threads."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, threading
from pe_dvc.cli.arenas import share_arenas

{before}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.fdopen.restype = ctypes.c_void_p
barrier = threading.Barrier(8)

def take():
    barrier.wait()
    libc.malloc(50_000)
    barrier.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


def arenas(before: str) -> int:
    told = subprocess.run(
        [sys.executable, "-c", THREADS.format(before=before)],
        check=True,
        capture_output=True,
        text=True,
    )
    return told.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_of_a_push_share_two_arenas() -> None:
    assert arenas("") > 2
    assert arenas("share_arenas()") == 2
