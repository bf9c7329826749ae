"""The tiles of a log that a publication has let grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.tlog.tiles import WIDTH, GrownTree, Tile, bundle

if TYPE_CHECKING:
    from collections.abc import Sequence


class Grown(NamedTuple):
    """A tree, and its entries from ``first`` on, where its last bundle begins at the latest.

    ``kept`` entries at its beginning have their tiles in the bucket.
    """

    tree: GrownTree
    first: int
    entries: Sequence[bytes]
    kept: int

    def content(self, tile: Tile) -> bytes:
        """Return the bytes of one of its tiles."""
        if tile.level is not None:
            return self.tree.hashes(tile)
        start = tile.number * WIDTH - self.first
        return bundle(self.entries[start : start + tile.width])
