"""Turns: of threads that each move small files, one at a time runs Python, and the rest wait.

Python runs one thread at a time anyway, but a thread releases that right (the GIL) at every system
call and has to get it back. Threads that make thirty calls for a small file spend more on that than
on the file. So a thread that has its turn keeps it until it waits for a server, which it does in
``blocking_wait``.

A turn is a courtesy and no lock: a thread that has waited ``PATIENCE`` seconds for its turn goes on
without. So where one thread waits for what another holds, turns stop neither for longer than that.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pe_dvc.primitives.cancellation import check_cancelled

if TYPE_CHECKING:
    from threading import Lock

PATIENCE = 0.05
"""Seconds to wait for a turn."""


class _ThreadState(threading.local):
    """The lock by which this thread takes turns with others, and whether it has its turn.

    In a ``blocking_wait``, ``waiting`` is that one, and there is no lock.
    """

    lock: Lock | None = None
    has_turn = False
    waiting: blocking_wait | None = None


_thread = _ThreadState()


class taking_turns:  # noqa: N801 - used as a function
    """Within, this thread takes turns with the others that were given the same lock."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        _thread.lock = self._lock
        _take(self._lock)

    def __exit__(self, *_: object) -> None:
        _thread.lock = _thread.waiting = None
        _give(self._lock)


class blocking_wait:  # noqa: N801 - used as a function
    """Within, this thread waits, or runs code that releases the GIL: others have their turns.

    Raises Cancelled at the start if this thread was cancelled.
    """

    __slots__ = ("_lock",)

    def __enter__(self) -> None:
        check_cancelled()
        self._lock = _thread.lock
        if self._lock is not None:
            _thread.lock, _thread.waiting = None, self
            _give(self._lock)

    def __exit__(self, *_: object) -> None:
        # Only in the thread that entered: a generator that is left early may be closed in another.
        if self._lock is not None and _thread.waiting is self:
            _thread.lock, _thread.waiting = self._lock, None
            _take(self._lock)


def _take(lock: Lock) -> None:
    _thread.has_turn = lock.acquire(timeout=PATIENCE)


def _give(lock: Lock) -> None:
    if _thread.has_turn:
        _thread.has_turn = False
        lock.release()
