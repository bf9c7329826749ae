"""How long work tells how far it is, without knowing who looks."""

from __future__ import annotations

import contextlib
import logging
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import Progress


class Moved:
    """Tells ``progress`` of bytes once, though an attempt that follows another moves them again."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._told = progress, 0
        self._lock = threading.Lock()

    def again(self) -> Progress:
        """Return what one attempt, which begins at the first byte, tells."""
        here = 0

        def tell(moved: int) -> None:
            nonlocal here
            with self._lock:
                here += moved
                new = here - self._told
                self._told = max(here, self._told)
            if new > 0:
                self._progress(new)

        return tell


class Reporter(Protocol):
    """Who is told of progress: a progress bar, a log, or none."""

    def task(self, label: str, total: int) -> AbstractContextManager[Progress]:
        """Begin a task of ``total`` bytes; the context gives what to call as bytes move."""
        ...

    def note(self, text: str) -> None:
        """Say something that a person who waits would want to know."""
        ...


class Silent:
    """A reporter that shows nothing."""

    @contextlib.contextmanager
    def task(self, label: str, total: int) -> Iterator[Progress]:
        """Begin a task whose progress is not shown."""
        yield lambda moved: None

    def note(self, text: str) -> None:
        """Say nothing."""


class Notes(Silent):
    """A reporter for programs: nothing is drawn, and what is said goes to the log ``pe_dvc``."""

    def note(self, text: str) -> None:
        """Log it as a warning, which Python shows on stderr unless told otherwise."""
        logging.getLogger("pe_dvc").warning(text)
