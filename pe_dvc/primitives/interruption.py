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


@contextlib.contextmanager
def undone_on_exit(undo: Callable[[], object]) -> Iterator[None]:
    """Within, ``undo`` is called if the process is ended; it must be safe to call at any moment."""
    number = next(_numbers)
    _pending[number] = undo
    try:
        yield
    finally:
        _pending.pop(number, None)


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
