"""Leave the process only when pyarrow's threads hold nothing of ours.

A scan that has returned its table may still be dropping its last references to the file system,
on a thread of pyarrow's. Where the interpreter ends in that moment, CPython ends the thread inside
of a C++ destructor, and the process aborts ("terminate called without an active exception", exit
code -6) after all its work was done: about one of a hundred short scripts on a busy machine.
"""

from __future__ import annotations

import atexit
import gc
import sys
import time
import weakref

AT_MOST = 0.5
"""Seconds that an exit waits, where a program keeps a dataset of pyarrow's to its end."""


def wait_at_exit(kind: type) -> None:
    """Have the exit of this process wait until pyarrow holds no file system of ``kind``."""
    atexit.register(wait_until_dropped, kind)


def wait_until_dropped(kind: type, seconds: float = AT_MOST) -> None:
    """Wait until pyarrow holds no file system of ``kind``, ``seconds`` at most."""
    arrow = sys.modules.get("pyarrow.fs")
    if arrow is None:
        return
    handlers = [
        weakref.ref(found)
        for found in gc.get_objects()
        if type(found) is arrow.FSSpecHandler and isinstance(found.fs, kind)
    ]
    ends = time.monotonic() + seconds
    while any(handler() is not None for handler in handlers) and time.monotonic() < ends:
        time.sleep(0.002)
