"""Threads of generators that are left before their end, and of programs that are about to end."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.pools import generator_pool

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT = """
import gc, threading
from pe_dvc.primitives.pools import generator_pool

gc.disable()
stop = threading.Event()

def numbers():
    with generator_pool(1) as pool:
        pool.submit(stop.wait)
        yield 1

def leave():
    left = [numbers()]
    next(left[0])
    left.append(left)  # a circle, which only the collector ends

leave()
with threading._shutdown_locks_lock:  # as a thread has it that is starting another
    gc.collect()
stop.set()
"""


@pytest.mark.skipif(
    not hasattr(threading, "_shutdown_locks_lock"), reason="this Python has no such lock"
)
def test_the_collector_ends_a_generator_where_no_thread_can_be_waited_for() -> None:
    subprocess.run([sys.executable, "-c", LEFT], check=True, timeout=20)


def test_a_generator_that_is_left_leaves_its_threads_and_begins_no_more() -> None:
    began, end, done, late = (threading.Event() for _ in range(4))

    def work() -> None:
        began.set()
        end.wait(5)
        done.set()

    def numbers() -> Iterator[int]:
        with generator_pool(1) as pool:
            pool.submit(work)
            pool.submit(late.set)
            yield 1

    generator = numbers()
    next(generator)
    began.wait(20)
    del generator
    gc.collect()
    assert not done.is_set(), "it was waited for"
    end.set()
    assert not late.wait(0.1)


@pytest.mark.parametrize("fails", [True, False])
def test_whoever_comes_to_the_end_waits(fails: bool) -> None:
    done = threading.Event()

    def work() -> None:
        time.sleep(0.2)
        done.set()

    def numbers() -> Iterator[int]:
        with generator_pool(1) as pool:
            pool.submit(work)
            yield 1
            if fails:
                raise ValueError

    try:
        assert list(numbers()) == [1]
    except ValueError:
        assert fails
    assert done.is_set()


AT_THE_END = """
import atexit, threading
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.concurrent_queries import within

def work(pool):
    print(*pool.map(abs, [-1, -2]))
    print(within(20, lambda: "asked"))
    failing = pool.submit(int, "no number")
    print(type(failing.exception()).__name__)

def outlive():
    threading.main_thread().join()
    with Pool(2) as late:
        work(late)
    work(early)

early = Pool(2)
threading.Thread(target=outlive).start()
atexit.register(lambda: work(Pool(2)))
"""


def test_threads_that_outlive_the_main_one_and_atexit_have_pools() -> None:
    """Python refuses them threads: "cannot schedule new futures after interpreter shutdown"."""
    found = subprocess.run(
        [sys.executable, "-c", AT_THE_END], capture_output=True, text=True, check=False
    )
    assert found.stderr == ""
    assert found.stdout == "1 2\nasked\nValueError\n" * 3
