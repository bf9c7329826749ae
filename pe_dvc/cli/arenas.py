"""How much memory the C library holds back, in commands that send large files from many threads.

glibc gives each thread an arena to take memory from, up to eight for each processor, and what is
freed in one is of no use to another. Of parts of 8 MiB that dozens of threads read and send, each
arena keeps some.
"""

from __future__ import annotations

import sys

_M_ARENA_MAX = -8
"""As in ``malloc.h`` of glibc; see mallopt(3)."""
_ARENAS = 2


def share_arenas() -> None:
    """Let all threads that begin from now on share two arenas, where the C library has such.

    For the command line alone: how a program that imports pe_dvc uses memory is its own affair.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # musl, which Alpine has, knows no arenas
        libc.mallopt(_M_ARENA_MAX, _ARENAS)
