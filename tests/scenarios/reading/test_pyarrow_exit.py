"""A process ends well while threads of pyarrow still hold ``pe-data://``."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import fsspec
from pyarrow.fs import FSSpecHandler, PyFileSystem

from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.pyarrow_exit import wait_until_dropped

HOLDS_ON = """
import threading, time
import fsspec
from pyarrow.fs import FSSpecHandler, PyFileSystem

def hold():
    system = PyFileSystem(FSSpecHandler(fsspec.filesystem("pe-data")))
    held.set()
    time.sleep(0.3)
    print("dropped", flush=True)
    del system

held = threading.Event()
threading.Thread(target=hold, daemon=True).start()
assert held.wait(10)
"""


def _held_for(seconds: float) -> threading.Event:
    """Have another thread hold our file system through pyarrow for a while."""
    held, ended = threading.Event(), threading.Event()

    def hold() -> None:
        system = PyFileSystem(FSSpecHandler(fsspec.filesystem("pe-data")))
        held.set()
        time.sleep(seconds)
        ended.set()
        del system

    threading.Thread(target=hold, daemon=True).start()
    assert held.wait(10)
    return ended


def test_waits_until_a_thread_has_dropped_it() -> None:
    ended = _held_for(0.3)
    wait_until_dropped(PeDataFileSystem, seconds=30)
    assert ended.is_set()


def test_does_not_wait_for_what_is_kept() -> None:
    ended = _held_for(5)
    wait_until_dropped(PeDataFileSystem, seconds=0.1)
    assert not ended.is_set()


def test_a_process_waits_at_its_end() -> None:
    said = subprocess.check_output([sys.executable, "-c", HOLDS_ON], text=True)
    assert said == "dropped\n"
