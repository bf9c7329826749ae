"""A view of the file system that travels: what its references meant, in other processes too."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.project.reader_snapshot import new_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.project.reader import Reader
    from pe_dvc.usecases.read.resolve import Resolved
    from pe_dvc.usecases.read.snapshot import Snapshot


class View(Protocol):
    """What is asked of the file system (``pe_dvc.filesystem``)."""

    view: str
    readers: dict[str, Reader]
    resolved: dict[str, Resolved]
    storage_args: tuple[Any, ...]
    storage_options: dict[str, Any]


KEPT = 8
"""Views of other processes that a process keeps, with their connections."""

_views: OrderedDict[str, View] = OrderedDict()
_lock = threading.Lock()


def reduced(files: View) -> tuple[Any, ...]:
    """Return a view as ``pickle`` wants it (``__reduce__``)."""
    snapshots = {country: reader.snapshot() for country, reader in files.readers.items()}
    state = (files.view, dict(files.resolved), snapshots)
    return view_of, (type(files), files.storage_args, files.storage_options, *state)


def view_of(
    kind: Callable[..., View],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    view: str,
    resolved: dict[str, Resolved],
    snapshots: dict[str, Snapshot],
) -> View:
    """Return a view that travelled: one object for all tasks of a process that use it."""
    with _lock:
        files = _views.get(view)
        if files is None or files.view != view:  # it may have been cleared since
            files = kind(*arguments, **options, skip_instance_cache=True)
            files.view = view
        _views[view] = files
        _views.move_to_end(view)
        while len(_views) > KEPT:
            _views.popitem(last=False)
        _go_on(files, resolved, snapshots)
        return files


def _go_on(files: View, resolved: dict[str, Resolved], snapshots: dict[str, Snapshot]) -> None:
    for country, snapshot in snapshots.items():
        if country not in files.readers:
            files.readers[country] = new_reader(snapshot)
        elif snapshot.known is not None:
            files.readers[country].revocations.believe(snapshot.known)
    for bare, found in resolved.items():
        files.resolved.setdefault(bare, found)
