"""Errands: what threads do for one that waits for them, and what becomes of it when that one goes.

Python tells the main thread alone of Ctrl-C. In a program that calls pe_dvc the threads that it
waits for would go on, and it with them, until the last large file is here. So they ask, each time
before they wait for something and at each block that arrives, whether they were called off.
"""

from __future__ import annotations

import threading
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

HEARD_WITHIN = 0.5
"""Seconds that one who waits for errands waits at a time: Python tells of a Ctrl-C that came just
before a wait only when that wait ends."""

P = ParamSpec("P")
R = TypeVar("R")


class CalledOff(BaseException):
    """Raised in a thread whose errand was called off. What it says is not waited for."""


class _Mine(threading.local):
    """Of a thread: the errand that it is on."""

    errand: Errand | None = None


_mine = _Mine()


class Errand:
    """Within, this thread waits for others; if it is interrupted, they are called off.

    An error that is raised within calls none off: what is under way is kept when it is done.
    """

    __slots__ = ("_around", "_off")

    def __init__(self) -> None:
        self._around, self._off = _mine.errand, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not isinstance(error, Exception):
            self.call_off()

    def call_off(self) -> None:
        """Let those who are on this errand stop."""
        self._off = True

    @property
    def off(self) -> bool:
        """Whether it was called off, or the one that it is a part of."""
        return self._off or (self._around is not None and self._around.off)

    def carry(self, call: Callable[P, R]) -> Callable[P, R]:
        """Return ``call`` as a thread is to make it that goes on this errand."""

        @wraps(call)
        def carried(*args: P.args, **kwargs: P.kwargs) -> R:
            before, _mine.errand = _mine.errand, self
            try:
                return call(*args, **kwargs)
            finally:
                _mine.errand = before

        return carried


def stop_if_called_off() -> None:
    """Raise CalledOff in a thread whose errand was called off."""
    errand = _mine.errand
    if errand is not None and errand.off:
        raise CalledOff
