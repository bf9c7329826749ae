"""Turns: of threads that each move small files, one at a time runs Python, and the rest wait.

Python runs one thread at a time anyway, but lets go of that right at every system call and has to
get it back. Threads that make thirty calls for a small file spend more on that than on the file.
So a thread that has its turn keeps it until it waits for a server, which it does ``away``.

A turn is a courtesy and no lock: who has waited ``PATIENCE`` seconds for one goes on without, so
nothing that one thread waits for, and another holds, can stop them for longer.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pe_dvc.primitives.errands import stop_if_called_off

if TYPE_CHECKING:
    from threading import Lock

PATIENCE = 0.05
"""Seconds to wait for a turn."""


class _Mine(threading.local):
    """Of a thread: what those that it takes turns with share, and whether it has its turn.

    ``away`` is why it shares nothing for now.
    """

    shared: Lock | None = None
    has_turn = False
    away: away | None = None


_mine = _Mine()


class taking_turns:  # noqa: N801 - used as a function
    """Within, this thread takes turns with the others that were given the same lock."""

    def __init__(self, shared: Lock) -> None:
        self._shared = shared

    def __enter__(self) -> None:
        _mine.shared = self._shared
        _take(self._shared)

    def __exit__(self, *_: object) -> None:
        _mine.shared = _mine.away = None
        _give(self._shared)


class away:  # noqa: N801 - used as a function
    """Within, the others have their turns: this thread waits, or works where Python does not.

    Raises CalledOff before that where this thread is no longer waited for.
    """

    __slots__ = ("_shared",)

    def __enter__(self) -> None:
        stop_if_called_off()
        self._shared = _mine.shared
        if self._shared is not None:
            _mine.shared, _mine.away = None, self
            _give(self._shared)

    def __exit__(self, *_: object) -> None:
        # Not in a thread that it was not entered in, as a generator's may be that is left early.
        if self._shared is not None and _mine.away is self:
            _mine.shared, _mine.away = self._shared, None
            _take(self._shared)


def _take(shared: Lock) -> None:
    _mine.has_turn = shared.acquire(timeout=PATIENCE)


def _give(shared: Lock) -> None:
    if _mine.has_turn:
        _mine.has_turn = False
        shared.release()
