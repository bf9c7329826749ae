"""How long work tells how far it is, without knowing who looks."""

from __future__ import annotations

import contextlib
import logging
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import Progress


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
