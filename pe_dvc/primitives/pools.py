"""Threads of a generator: they are not waited for when it is left before its end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def generator_pool(threads: int, *, name: str = "pe-dvc") -> Iterator[ThreadPoolExecutor]:
    """Open a pool for the body of a generator.

    The garbage collector closes a generator that was left, such as one in the traceback of an
    error, and it does so in any thread at any moment: also where Python holds the lock that waiting
    for a thread takes. The one that collects would then wait for itself, without end.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        yield pool
    except GeneratorExit:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
