"""Publishers and the garbage collector take turns: neither builds on what the other takes away.

A publisher does not upload what is there already; a collector must not remove it meanwhile. Each
first leaves a note in the bucket, then looks for the other's. A store shows every note as soon as
it is written, so at least one of the two sees the other and gives way.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import collector_lock_key, locks_prefix, publisher_lock_key
from pe_dvc.primitives.errors import ConflictError, NotFoundError, StorePermissionError
from pe_dvc.primitives.interruption import undone_on_exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import ObjectInfo, Store

STALE = timedelta(days=1)
"""Age of a note whose writer is taken for dead: no push and no collection lasts that long."""


@contextlib.contextmanager
def publishing(store: Store, country: str) -> Iterator[None]:
    """Keep the collector out while something is published.

    Raises ConflictError while a collection runs.
    """
    with _note(store, publisher_lock_key(country, uuid.uuid4().hex)):
        with contextlib.suppress(NotFoundError):
            _refuse(store, store.head(collector_lock_key(country)), "pe-dvc gc is clearing")
        yield


@contextlib.contextmanager
def collecting(store: Store, country: str) -> Iterator[None]:
    """Keep publishers and other collectors out while objects are removed.

    Raises ConflictError during a publication or a collection.
    """
    key = collector_lock_key(country)
    with contextlib.suppress(NotFoundError):
        _refuse(store, store.head(key), "another pe-dvc gc is clearing")
        store.delete([key])
    with _note(store, key):
        for info in store.list(locks_prefix(country)):
            if info.key != key:
                _refuse(store, info, "another process is publishing to")
        yield


@contextlib.contextmanager
def _note(store: Store, key: str) -> Iterator[None]:
    note = {"since": datetime.now(UTC).isoformat(), "by": uuid.uuid4().hex}
    data = json.dumps(note).encode()
    try:
        store.create(key, data)
    except ConflictError:
        # Our own, if the answer to a first request was lost and the request sent again.
        if store.read(key, limit=4096)[0] != data:
            raise
    try:
        with undone_on_exit(lambda: store.delete([key])):
            yield
    finally:
        # A publisher may have no right to delete: then its note goes stale.
        with contextlib.suppress(StorePermissionError):
            store.delete([key])


def _refuse(store: Store, note: ObjectInfo, doing: str) -> None:
    if note.modified is None or datetime.now(UTC) - note.modified < STALE:
        raise ConflictError(
            f"{doing} {store.url}: it left {note.key}",
            remedy="Try again when it is done. If it was killed, remove that object, or wait "
            f"{STALE.days * 24} hours.",
        )
