"""Pools of threads, which also work where a program is about to end, and in generators."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
R = TypeVar("R")


class Pool(Executor):
    """A pool of ``threads``, as many as Python thinks right unless given.

    Once the main thread has come to its end, Python starts no more threads, though other threads
    of the program go on, and what is registered with ``atexit`` is yet to come. From then on a
    call is made where it is submitted.
    """

    def __init__(self, threads: int | None = None, *, name: str = "pe-dvc") -> None:
        self._threads = None if _is_ending() else _pool(threads, name)

    def submit(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Let a thread make a call; what becomes of it is in the future."""
        if self._threads is not None:
            try:
                return self._threads.submit(call, *args, **kwargs)
            except RuntimeError:
                if not _is_ending():
                    raise
        made: Future[R] = Future()
        try:
            made.set_result(call(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as in a thread: who waits is told
            made.set_exception(error)
        return made

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, and ``wait`` for those that were begun."""
        if self._threads is not None:
            self._threads.shutdown(wait, cancel_futures=cancel_futures)


def begin_aside(call: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """Let a thread make a call that nothing waits for; where a program is ending, make it here."""
    try:
        threading.Thread(target=call, args=args, kwargs=kwargs, daemon=True).start()
    except RuntimeError:
        if not _is_ending():
            raise
        call(*args, **kwargs)


def _is_ending() -> bool:
    return not threading.main_thread().is_alive()


def _pool(threads: int | None, name: str) -> Executor | None:
    try:
        from concurrent.futures import ThreadPoolExecutor  # refuses once the program is ending
    except RuntimeError:
        return None
    return ThreadPoolExecutor(threads, thread_name_prefix=name)


@contextmanager
def generator_pool(threads: int, *, name: str = "pe-dvc") -> Iterator[Pool]:
    """Open a pool for the body of a generator.

    The garbage collector closes a generator that was left, such as one in the traceback of an
    error, and it does so in any thread at any moment: also where Python holds the lock that waiting
    for a thread takes. The one that collects would then wait for itself, without end.
    """
    pool = Pool(threads, name=name)
    try:
        yield pool
    except GeneratorExit:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
