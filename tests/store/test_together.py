"""Questions to a store that are asked side by side."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.cancellation import Cancelled, check_cancelled
from pe_dvc.store.together import together
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path


def test_answers_come_in_the_order_of_the_questions() -> None:
    store, meeting = MemoryStore("s3://bucket"), threading.Barrier(3, timeout=30)

    def ask(number: int) -> int:
        meeting.wait()  # which ends only if all three are under way at once
        return number

    assert together(store, lambda: ask(1), lambda: ask(2), lambda: ask(3)) == (1, 2, 3)


def test_the_first_in_their_order_that_failed_is_raised_once_all_have_ended() -> None:
    store, failed, ended = MemoryStore("s3://bucket"), threading.Event(), threading.Event()

    def second() -> None:
        assert failed.wait(30)
        raise KeyError("second")

    def third() -> None:
        failed.set()
        raise ValueError("third")

    def fourth() -> None:
        ended.set()

    with pytest.raises(KeyError, match="second"):
        together(store, lambda: None, second, third, fourth)
    assert ended.is_set()


def test_a_directory_is_asked_one_thing_after_another_by_this_thread(tmp_path: Path) -> None:
    here = threading.get_ident()
    assert together(LocalStore(tmp_path), threading.get_ident, threading.get_ident) == (here, here)


def test_one_question_takes_no_thread() -> None:
    assert together(MemoryStore("s3://bucket"), threading.get_ident) == (threading.get_ident(),)
    assert together(MemoryStore("s3://bucket")) == ()


def test_an_interrupt_cancels_the_others() -> None:
    began, cancelled = threading.Event(), threading.Event()

    def interrupted() -> None:
        assert began.wait(30)
        raise KeyboardInterrupt

    def other() -> None:
        began.set()
        try:
            while not cancelled.wait(0.01):
                check_cancelled()
        except Cancelled:
            cancelled.set()

    with pytest.raises(KeyboardInterrupt):
        together(MemoryStore("s3://bucket"), interrupted, other)
    assert cancelled.is_set()


def test_where_a_program_is_about_to_end_they_are_asked_without_threads() -> None:
    """Python starts none once the main thread has come to its end."""
    program = """
import threading, time
from pe_dvc.store.together import together
from tests.support.memory_store import MemoryStore

def late():
    threading.main_thread().join()
    print(*together(MemoryStore("s3://bucket"), lambda: 1, lambda: 2), flush=True)

threading.Thread(target=late).start()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1 2\n", "")
