"""Progress in a notebook: one output, there from the start, that is written over.

It needs nothing but IPython, which every kernel of a notebook has: no widgets, no extension.
"""

from __future__ import annotations

import contextlib
import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.html_table import html_progress
from pe_dvc.primitives.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 0.3
"""Seconds between two pictures of the bar."""


class NotebookBar:
    """A bar below the cell that runs. ``said`` gives the text for how many bytes are there."""

    def __init__(self, total: int, said: Callable[[int], str]) -> None:
        from IPython import display

        self._total, self._said, self._moved = total, said, 0
        self._drawn = time.monotonic()
        self._lock = Lock()
        show: Any = display.display
        self._output: Any = show(self, display_id=True)

    def advance(self, moved: int) -> None:
        """Take note of more bytes."""
        with self._lock:
            self._moved += moved
            if time.monotonic() - self._drawn >= EVERY:
                self._draw()

    def close(self) -> None:
        """Draw it as it is at the end."""
        with self._lock:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        with contextlib.suppress(Exception):  # a download does not end with the page that shows it
            self._output.update(self)

    def __repr__(self) -> str:
        return printable(self._said(self._moved))

    def _repr_html_(self) -> str:
        return html_progress(self._said(self._moved), self._moved, max(self._total, 1))
