"""Cancelling the threads that a call waits for, when Ctrl-C interrupts the call.

Python raises KeyboardInterrupt in the main thread alone. In a program that calls pe_dvc the worker
threads would go on, and the program with them, until the last large file is here. So a worker
checks whether it was cancelled, each time before it waits and at each block that arrives.
"""

from __future__ import annotations

import threading
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

INTERRUPT_POLL = 0.5
"""Seconds that a thread waits for workers at a time: Python handles a Ctrl-C that came just before
a wait only when that wait ends."""

P = ParamSpec("P")
R = TypeVar("R")


class Cancelled(BaseException):
    """Raised in a worker thread whose scope was cancelled. Its result is not waited for."""


class _ThreadState(threading.local):
    """The scope in which this thread runs."""

    scope: CancelScope | None = None


_thread = _ThreadState()


class CancelScope:
    """A ``with`` block in which this thread waits for workers; interrupting it cancels them.

    Only an interruption cancels: after an ordinary error in the block, work under way is finished
    and kept. A scope is cancelled with the one around it.
    """

    __slots__ = ("_cancelled", "_outer")

    def __init__(self) -> None:
        self._outer, self._cancelled = _thread.scope, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not isinstance(error, Exception):
            self.cancel()

    def cancel(self) -> None:
        """Make the workers of this scope stop at their next check."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether this scope was cancelled, or one around it."""
        return self._cancelled or (self._outer is not None and self._outer.cancelled)

    def wrap(self, call: Callable[P, R]) -> Callable[P, R]:
        """Return ``call`` for a worker thread: it runs in this scope."""

        @wraps(call)
        def in_scope(*args: P.args, **kwargs: P.kwargs) -> R:
            before, _thread.scope = _thread.scope, self
            try:
                return call(*args, **kwargs)
            finally:
                _thread.scope = before

        return in_scope


def check_cancelled() -> None:
    """Raise Cancelled in a worker thread whose scope was cancelled."""
    scope = _thread.scope
    if scope is not None and scope.cancelled:
        raise Cancelled
