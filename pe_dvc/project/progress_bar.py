"""Progress on stderr: a bar on a terminal, now and then a line anywhere else."""

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
"""Seconds between two lines where there is no terminal: in a log, a batch job, a notebook."""


class Bars:
    """Tells how far a task is, how fast, and how long it will take. A quick one says nothing."""

    @contextlib.contextmanager
    def task(self, label: str, total: int) -> Iterator[Progress]:
        """Begin a task of ``total`` bytes."""
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
            rate = max(self._moved / (now - self._begun), 1.0)
            left = _time_text((self._total - self._moved) / rate)
            how_far = f"{bytes_text(self._moved)} of {bytes_text(self._total)}"
            text = f"{self._label}: {how_far}, {bytes_text(int(rate))}/s, {left} left"
            _print(text)


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
