"""How a log lies in files that never change: tiles of hashes, and bundles of entries.

C2SP tlog-tiles (https://c2sp.org/tlog-tiles). A tile has up to 256 hashes of one level, each of a
whole tile of the level below; those of level 0 are of entries. The last of a level is partial: it
has its width in its path, and the next size of the tree has another one beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.tlog.merkle import HASH_BYTES, leaf_hash, node_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HEIGHT = 8
"""Levels of the tree that one tile spans."""

WIDTH = 1 << HEIGHT
"""Hashes of a whole tile, entries of a whole bundle."""

MAX_ENTRY = 0xFFFF
"""Bytes of the longest entry."""

BUNDLE_LIMIT = WIDTH * (MAX_ENTRY + 2)
"""Bytes of the longest bundle."""


class Tile(NamedTuple):
    """One tile of a level, counted from the left. ``level`` None is a bundle of entries."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its path below the prefix of the log, such as ``tile/0/x001/x234/067.p/5``."""
        digits = f"{self.number:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        place = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{place}{partial}"


def tiles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles of a tree of ``size`` entries that a tree of ``since`` had not.

    Bundles of entries come first; of a level, from the left.
    """
    for level in (None, *range(HEIGHT)):
        shift = HEIGHT * (level or 0)
        count, before = size >> shift, since >> shift
        if count == 0:
            return
        for index in range(before // WIDTH, -(-count // WIDTH)):
            width = min(WIDTH, count - index * WIDTH)
            if count > before:
                yield Tile(level, index, width)


def right_edge(size: int) -> Iterator[Tile]:
    """Yield the last bundle and the last tile of each level of a tree of ``size`` entries."""
    for level in (None, *range(HEIGHT)):
        count = size >> HEIGHT * (level or 0)
        if count == 0:
            return
        index = (count - 1) // WIDTH
        yield Tile(level, index, count - index * WIDTH)


def tile_of(level: int, index: int, size: int) -> tuple[Tile, int, int]:
    """Return where a node of a tree of ``size`` entries is: its tile, and which hashes of it.

    The node is that of ``merkle.Nodes``; the hashes from the first to before the second number
    are all that lies below it in the tile.
    """
    tile_level, above = divmod(level, HEIGHT)
    first = index << above
    number, start = divmod(first, WIDTH)
    width = min(WIDTH, (size >> HEIGHT * tile_level) - number * WIDTH)
    end = start + (1 << above)
    if end > width:
        raise FormatError(f"a tree of {size} entries has no complete subtree {index} of {level}")
    return Tile(tile_level, number, width), start, end


class TiledNodes:
    """The ``merkle.Nodes`` of a tree of ``size`` entries, out of its tiles.

    ``read`` returns what is held of a tile. It need not be trusted: what is made from wrong tiles
    does not verify. Raises VerificationError for a tile of another length.
    """

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        self._size, self._read = size, read
        self._tiles: dict[Tile, list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of one complete subtree."""
        tile, start, end = tile_of(level, index, self._size)
        return _complete_root(self.hashes(tile)[start:end])

    def hashes(self, tile: Tile) -> list[bytes]:
        """Return the hashes of a tile."""
        if tile not in self._tiles:
            data = self._read(tile)
            if len(data) != tile.width * HASH_BYTES:
                raise VerificationError(
                    f"{tile.path} has {len(data)} bytes, not {tile.width * HASH_BYTES}"
                )
            self._tiles[tile] = [
                data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)
            ]
        return self._tiles[tile]


class GrownTree:
    """A tree of ``size`` entries of which the last ``entries`` are new.

    What is new is computed from them; of the tree before, ``read`` gives tiles (as of its size,
    ``size - len(entries)``, so those of the right edge only).
    """

    def __init__(
        self, before: int, entries: Sequence[bytes], read: Callable[[Tile], bytes]
    ) -> None:
        self.before, self.size = before, before + len(entries)
        self._old = TiledNodes(before, read)
        self._leaves = [leaf_hash(entry) for entry in entries]

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of one complete subtree, as ``merkle.Nodes``."""
        if (index + 1) << level <= self.before:
            return self._old(level, index)
        if level == 0:
            return self._leaves[index - self.before]
        return node_hash(self(level - 1, 2 * index), self(level - 1, 2 * index + 1))

    def hashes(self, tile: Tile) -> bytes:
        """Return what a tile of hashes consists of."""
        level, first = HEIGHT * (tile.level or 0), tile.number * WIDTH
        return b"".join(self(level, first + n) for n in range(tile.width))


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as a bundle: each after its length, two bytes, the higher first."""
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise FormatError(f"an entry of a log has at most {MAX_ENTRY} bytes, not {len(entry)}")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes, width: int, *, where: str) -> list[bytes]:
    """Return the ``width`` entries of a bundle. Raises FormatError for anything else."""
    entries, at = list[bytes](), 0
    while at < len(data) and len(entries) < width:
        length = int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(data) or len(entries) != width:
        raise FormatError(f"it is not a bundle of {width} entries of a log", where=where)
    return entries


def _complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes whose number is a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]
