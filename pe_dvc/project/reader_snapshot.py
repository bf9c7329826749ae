"""Readers that go on in other processes and on other machines: workers of Dask and Ray.

What was resolved travels with where it was read, the trusted root, and what was known to be
withdrawn. A worker reads these bytes, asks no channel what a reference means, and learns of
withdrawals as the reader would have that it goes on for. Credentials stay where they are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project import directories
from pe_dvc.project.reader import Reader
from pe_dvc.project.reader_trust import Begun
from pe_dvc.project.root import working_directory
from pe_dvc.project.stores import addresses
from pe_dvc.usecases.progress import Notes

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.reader_stores import GivenStore
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.read.resolve import Resolved
    from pe_dvc.usecases.read.snapshot import Snapshot
    from pe_dvc.usecases.read.verified_file import Again, VerifiedFile

KEPT = 16
"""Readers that a process keeps, so that its tasks share connections."""

_readers: OrderedDict[tuple[object, ...], Reader] = OrderedDict()
_lock = threading.Lock()


def taken_along(reader: Reader, resolved: Resolved) -> Resolved:
    """Return what was resolved with the reader's snapshot: it can be read anywhere."""
    return replace(resolved, snapshot=reader.snapshot())


def new_reader(snapshot: Snapshot) -> Reader:
    """Return a reader that goes on where another one was."""
    reader = Reader(
        snapshot.country,
        store=snapshot.stores,
        reporter=Notes(),
        offline=snapshot.offline,
        begun=Begun(snapshot.root, snapshot.seen),
    )
    if snapshot.known is not None:
        reader.revocations.believe(snapshot.known)
    return reader


def reader_of(
    resolved: Resolved,
    *,
    store: GivenStore = None,
    offline: bool = False,
    reporter: Reporter | None = None,
) -> Reader:
    """Return a reader of what was resolved; readers of one process share connections.

    ``store`` is read instead of the stores that it was resolved in.
    """
    snapshot = resolved.snapshot
    if snapshot is None:
        country = resolved.reference.country
        return Reader(country, store=store, offline=offline, reporter=reporter)
    stores = tuple(addresses(store)) or snapshot.stores
    snapshot = replace(snapshot, stores=stores, offline=offline or snapshot.offline)
    mine = copy(_shared(snapshot))
    mine.reporter = reporter
    return mine


def _here() -> Path | None:
    with suppress(NotFoundError):
        return working_directory()
    return None


def _shared(snapshot: Snapshot) -> Reader:
    places = (directories.cache_dir(), directories.state_dir(), _here())
    begun = [sha256_bytes(data) if data else None for data in (snapshot.root, snapshot.seen)]
    key = (snapshot.country, snapshot.stores, snapshot.offline, *begun, *places)
    with _lock:
        reader = _readers.get(key)
        if reader is None:
            reader = _readers[key] = new_reader(snapshot)
            _ = reader.store  # opened before it is shared
        _readers.move_to_end(key)
        while len(_readers) > KEPT:
            _readers.popitem(last=False)
    if snapshot.known is not None:
        reader.revocations.believe(snapshot.known)
    return reader


def open_here(reader: Reader, resolved: Resolved) -> VerifiedFile:
    """Open a verified file that another process can open again, by unpickling it."""
    return reader.open(resolved, partial(_again, reader))


def _again(reader: Reader, resolved: Resolved) -> Again:
    return _open, taken_along(reader, resolved)


def _open(resolved: Resolved) -> VerifiedFile:
    return open_here(reader_of(resolved, reporter=Notes()), resolved)
