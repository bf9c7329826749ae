"""Which columns a range of a parquet file holds, by its footer, which is read once a file."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.adapters.tables.formats import format_named
from pe_dvc.adapters.tables.parquet import MAX_FOOTER, column_places, footer_length
from pe_dvc.gateway.verified_tail import verified_tail
from pe_dvc.primitives.errors import PeDvcError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.gateway.admission import Admitted
    from pe_dvc.gateway.described import Content
    from pe_dvc.gateway.requests import Bytes
    from pe_dvc.store.port import ReadableStore

log = logging.getLogger(__name__)

MOST_FILES = 256
MOST_PLACES = 200_000
"""Chunks of columns of a file that are remembered; of one with more no columns are told."""
FIRST_READ = 64 * 1024


class _Places(NamedTuple):
    """The chunks of columns of a file, in their order: where they end, and what they are."""

    starts: Sequence[int]
    ends: Sequence[int]
    names: Sequence[str]


_NONE = _Places((), (), ())


class TouchedColumns:
    """Tells the columns of ranges. What it read of a file is kept by the file's sha256."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Places] = OrderedDict()

    def known(self, found: Admitted, part: Bytes) -> tuple[str, ...] | None:
        """Return the columns of a range in their order, None if they must be ``read`` first.

        None are told of a file that is no parquet, and of a range that holds no values.
        """
        content = _content(found)
        if content is None:
            return ()
        places = self._known.get(found.served.digest)
        return None if places is None else _within(places, part)

    def read(self, found: Admitted, part: Bytes) -> tuple[str, ...]:
        """Read the file's footer and return the columns; none if it cannot be read."""
        content, sha256 = _content(found), found.served.digest
        if content is None:
            return ()
        try:
            places = _places(found.country.store, sha256, content)
        except PeDvcError as error:
            log.warning("no columns of %s are told: %s", found.key, error.message)
            places = _NONE
        self._known[sha256] = places
        if len(self._known) > MOST_FILES:
            self._known.popitem(last=False)
        return _within(places, part)


def _content(found: Admitted) -> Content | None:
    if found.served.kind != "payload":
        return None
    try:
        content = found.country.index.contents.get(found.served.digest)
    except StoreError:  # it became too old since the read was let in
        return None
    suffixes = format_named("parquet", where="gateway").suffixes
    return content if content and content.name.lower().endswith(suffixes) else None


def _places(store: ReadableStore, sha256: str, content: Content) -> _Places:
    tail = verified_tail(store, sha256, content, min(FIRST_READ, content.size))
    length = footer_length(tail)
    if length > MAX_FOOTER:
        return _NONE
    if length > len(tail):
        tail = verified_tail(store, sha256, content, length)
    places = sorted(column_places(tail, label=content.name))
    if len(places) > MOST_PLACES:
        return _NONE
    starts, ends, names = zip(*places, strict=True) if places else ((), (), ())
    return _Places(starts, ends, names)


def _within(places: _Places, part: Bytes) -> tuple[str, ...]:
    # Chunks lie one after the other, so that their ends are sorted as their starts are.
    first, last = bisect_right(places.ends, part.first), bisect_right(places.starts, part.last)
    return tuple(dict.fromkeys(places.names[first:last]))
