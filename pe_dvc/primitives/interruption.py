"""What has to be undone when a command is stopped before it could unwind.

A thread that waits for a server cannot be interrupted. So the command line waits a moment for all
to unwind and then ends the process (``pe_dvc.cli.signals``), having called what is kept here.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_pending: dict[int, Callable[[], object]] = {}
_numbers = itertools.count()


class undone_on_exit:  # noqa: N801 - used as a function
    """Within, ``undo`` is called if the process is ended; it must be safe to call at any moment."""

    __slots__ = ("_number", "_undo")

    def __init__(self, undo: Callable[[], object]) -> None:
        self._undo, self._number = undo, next(_numbers)

    def __enter__(self) -> None:
        _pending[self._number] = self._undo

    def __exit__(self, *_: object) -> None:
        _pending.pop(self._number, None)


@contextlib.contextmanager
def undone_on_failure(undo: Callable[[], object]) -> Iterator[None]:
    """Within, ``undo`` is called if something is raised, too; as ``undone_on_exit`` otherwise."""
    with undone_on_exit(undo):
        try:
            yield
        except BaseException:
            undo()
            raise


def undo_all(patience: float) -> None:
    """Call all that is to be undone, each in a thread, and wait ``patience`` seconds at most."""

    def quietly(undo: Callable[[], object]) -> None:
        with contextlib.suppress(Exception):  # the process ends: there is no one to tell
            undo()

    threads = [
        threading.Thread(target=quietly, args=(undo,), daemon=True) for undo in [*_pending.values()]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience / len(threads))
