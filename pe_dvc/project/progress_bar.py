"""Progress: a bar on a terminal and in a notebook, now and then a line on stderr anywhere else."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.printable import printable
from pe_dvc.primitives.sizes import bytes_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import Progress

PATIENCE = 1.0
"""Seconds that a task may take before a bar appears."""
EVERY = 15.0
"""Seconds between two lines where there is neither: in a log, a batch job."""


def _in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


class Bars:
    """Tells how far a task is, how fast, and how long it will take. A quick one says nothing."""

    @contextlib.contextmanager
    def task(self, label: str, total: int) -> Iterator[Progress]:
        """Begin a task of ``total`` bytes."""
        if _in_notebook():
            with _notebook_bar(label, total) as advance:
                yield advance
            return
        if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("CI"):
            yield _Lines(label, total).advance
            return
        bar = _LateBar(label, total)
        try:
            yield bar.advance
        finally:
            bar.close()

    def note(self, text: str) -> None:
        """Say something, terminal or not."""
        _print(text)


@contextlib.contextmanager
def _notebook_bar(label: str, total: int) -> Iterator[Progress]:
    from pe_dvc.project.notebook_bar import NotebookBar

    begun = time.monotonic()
    bar = NotebookBar(total, lambda moved: _progress_text(label, moved, total, begun))
    try:
        yield bar.advance
    finally:
        bar.close()


def _progress_text(label: str, moved: int, total: int, begun: float) -> str:
    seconds = max(time.monotonic() - begun, 0.001)
    rate = max(moved / seconds, 1.0)
    if moved >= total:
        end = f"in {_time_text(seconds)}"
    else:
        end = f"{_time_text((total - moved) / rate)} left" if moved else "starting"
    return f"{label}: {bytes_text(moved)} of {bytes_text(total)}, {bytes_text(int(rate))}/s, {end}"


class _Lines:
    """A line every ``EVERY`` seconds in which something moved."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._moved = label, total, 0
        self._begun = self._said = time.monotonic()
        self._lock = Lock()

    def advance(self, moved: int) -> None:
        with self._lock:
            self._moved += moved
            now = time.monotonic()
            if now - self._said < EVERY:
                return
            self._said = now
            _print(_progress_text(self._label, self._moved, self._total, self._begun))


def _print(text: str) -> None:
    """Print to stderr, if there is one: a download does not end because no one reads it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(printable(text), file=sys.stderr, flush=True)


def _time_text(seconds: float) -> str:
    if seconds < 100:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class _LateBar:
    """A bar that is drawn after ``PATIENCE`` seconds, so that quick tasks print nothing."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._moved = label, total, 0
        self._bar: Any = None
        self._task: Any = None
        self._lock = Lock()
        self._timer = Timer(PATIENCE, self._draw)
        self._timer.daemon = True
        self._timer.start()

    def advance(self, moved: int) -> None:
        with self._lock:
            self._moved += moved
            if self._bar is not None:
                self._bar.update(self._task, completed=self._moved)

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
            self._bar = None
            self._total = -1

    def _draw(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        with self._lock:
            if self._total < 0:
                return
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(
                printable(self._label), total=self._total, completed=self._moved
            )
            self._bar.start()
