"""Publishers and the garbage collector take turns: neither builds on what the other takes away.

A publisher does not upload what is there already; a collector must not remove it meanwhile. Each
first leaves a note in the bucket, then looks for the other's. A store shows every note as soon as
it is written, so at least one of the two sees the other and gives way. The note of a process that
is known to have ended, or that has not renewed it for ``EXPIRES_AFTER``, is passed over.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from typing import TYPE_CHECKING, TypeVar

from pe_dvc.documents.keys import collector_lock_key, locks_prefix, publisher_lock_key
from pe_dvc.primitives.errors import ConflictError, NotFoundError, StorePermissionError
from pe_dvc.store.together import together
from pe_dvc.usecases.retention.bucket_note import EXPIRES_AFTER, Note, noted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from pe_dvc.store.port import ObjectInfo, Store

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that ``waiting`` waits for others."""
PAUSE = 2.0
"""Seconds between two tries of ``waiting``: each leaves a note, which others give way to."""


@contextlib.contextmanager
def waiting(turn: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
    """Take a turn, ``publishing`` or ``collecting``, once the others are done.

    Raises their ConflictError if they are not within ``PATIENCE``.
    """
    deadline = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as stack:
        while True:
            try:
                mine = stack.enter_context(turn())
                break
            except ConflictError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(PAUSE)
        yield mine


@contextlib.contextmanager
def publishing(
    store: Store, country: str, *meanwhile: Callable[[], object]
) -> Iterator[datetime | None]:
    """Keep the collector out while something is published.

    Yields the time by the store's own clock (UTC), None if it does not tell. Raises ConflictError
    while a collection runs. ``meanwhile`` is called while the bucket is asked for that: it must not
    look for what a collector removes, which may not be seen yet.
    """
    key = publisher_lock_key(country, uuid.uuid4().hex)
    with noted(store, key):
        _, own, *_ = together(
            store,
            lambda: _refuse_collector(store, country, "pe-dvc gc is clearing"),
            lambda: store.head(key),
            *meanwhile,
        )
        yield own.modified


@contextlib.contextmanager
def collecting(store: Store, country: str) -> Iterator[ObjectInfo]:
    """Keep publishers and other collectors out while objects are removed.

    Yields what the store says of an object that is written now: the time by its own clock, and
    whether it keeps what is removed. Raises ConflictError during a publication or a collection.
    """
    _refuse_collector(store, country, "another pe-dvc gc is clearing")
    key = collector_lock_key(country)
    with noted(store, key):
        for info in store.list(locks_prefix(country)):
            if info.key != key:
                _refuse(store, country, info, "another process is publishing to")
        yield store.head(key)


def _refuse_collector(store: Store, country: str, doing: str) -> None:
    with contextlib.suppress(NotFoundError):
        _refuse(store, country, store.head(collector_lock_key(country)), doing)


def _refuse(store: Store, country: str, info: ObjectInfo, doing: str) -> None:
    """Raise ConflictError if the process of a note is at work; remove the note if it is not."""
    note = Note.read(store, info)
    if note.is_gone or _has_expired(store, country, info):
        with contextlib.suppress(StorePermissionError):
            store.delete([info.key])
        return
    raise ConflictError(
        f"{doing} {store.url}: {note.author}. It left {info.key}",
        remedy="Try again when it is done. If it was killed on another machine, its note "
        f"counts for {EXPIRES_AFTER.seconds // 3600} hours. You can remove it by hand: "
        f"{_removal(store.url, info.key)}",
    )


def _has_expired(store: Store, country: str, info: ObjectInfo) -> bool:
    """Tell by the store's own clock: that of an object which is written now."""
    probe = publisher_lock_key(country, uuid.uuid4().hex)
    with noted(store, probe):
        now = store.head(probe).modified
    if now is None or info.modified is None:
        return False
    return now - info.modified >= EXPIRES_AFTER


def _removal(url: str, key: str) -> str:
    """Return the command that removes an object."""
    tools = {"s3": "aws s3 rm ", "gs": "gcloud storage rm "}
    scheme, separator, _ = url.partition("://")
    return f"{tools.get(scheme, '') if separator else 'rm '}{url}/{key}"
