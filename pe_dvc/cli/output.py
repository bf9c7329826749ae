"""What the commands share: options, JSON on stdout, talk and progress on stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from datetime import timedelta

    from pe_dvc.project.reader import Reader
    from pe_dvc.store.port import Progress

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE = 1.0
"""Seconds that a task may take before a progress bar appears."""


def json_option(function: F) -> F:
    """Add ``--json``: the result as one JSON document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def store_option(function: F) -> F:
    """Add ``--store``: where the bucket is."""
    return click.option(
        "--store",
        metavar="URL",
        help="The bucket: s3://…, gs://… or a directory. Default: PE_DVC_STORE, then the data "
        "repo's, then s3://policyengine-data.",
    )(function)


def offline_option(function: F) -> F:
    """Add ``--offline``: answer from what was verified last."""
    return click.option(
        "--offline",
        is_flag=True,
        help="Ask nobody: answer from what this machine verified last, and say how old it is.",
    )(function)


def say_age(reader: Reader) -> None:
    """Say how old an offline answer from a channel is."""
    if reader.offline:
        say(f"offline: the channels of {reader.country} as verified {age_text(reader.age)} ago")


def age_text(age: timedelta) -> str:
    """Return a time that has passed for a person to read, such as ``3 days``."""
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(age.total_seconds() // seconds)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def say(text: str) -> None:
    """Say something to a person, on stderr."""
    click.echo(text, err=True)


def bytes_text(size: int) -> str:
    """Return a number of bytes for a person to read, such as ``14.2 MB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


class Bars:
    """Progress bars on stderr, for a terminal only and only once a task takes over a second."""

    @contextlib.contextmanager
    def task(self, label: str, total: int) -> Iterator[Progress]:
        """Begin a task of ``total`` bytes."""
        if not sys.stderr.isatty() or os.environ.get("CI"):
            yield lambda moved: None
            return
        bar = _LateBar(label, total)
        try:
            yield bar.advance
        finally:
            bar.close()

    def note(self, text: str) -> None:
        """Say something, terminal or not."""
        say(text)


class _LateBar:
    """A bar that is drawn after ``PATIENCE`` seconds, so that quick tasks print nothing."""

    def __init__(self, label: str, total: int) -> None:
        from threading import Lock, Timer

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
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(self._label, total=self._total, completed=self._moved)
            self._bar.start()
