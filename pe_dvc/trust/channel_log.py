"""The tiles of a channel's log in a store, for all who read them. Nothing of it need be trusted.

What is made of them is held against a root that is signed (``documents.channel_log``). C2SP
tlog-tiles, below ``channels/COUNTRY/log/``. ADR 0039.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.channel_log import log_state
from pe_dvc.documents.keys import log_key
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.tlog.merkle import (
    HASH_BYTES,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from pe_dvc.tlog.tiles import BUNDLE_LIMIT, WIDTH, Tile, TiledNodes, unbundle
from pe_dvc.trust.roles import TAMPERED

if TYPE_CHECKING:
    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.store.port import ObjectInfo
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.stored_metadata import StoredMetadata


def tile_limit(tile: Tile) -> int:
    """Return the most bytes that are read of a tile."""
    return BUNDLE_LIMIT if tile.level is None else tile.width * HASH_BYTES


def signed_state(
    bucket: ReadableChannels, role: str, held: StoredMetadata[Any] | None
) -> LogState | None:
    """Return what a bucket's snapshot or timestamp says of the log; None for nothing.

    Raises FormatError.
    """
    if held is None:
        return None
    signed = held.metadata.signed
    where = bucket.where(role, signed.version if role == "snapshot" else None)
    return log_state(signed.unrecognized_fields, where=where)


class TileSource(Protocol):
    """Where tiles are read: a store (``store.port``), or what reads one for someone."""

    @property
    def url(self) -> str:
        """The store's address, for messages."""
        ...

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """Return an object's bytes. Raises as a store does."""
        ...


class StoredLog:
    """A country's log in a store. Each tile is read once; all may raise what a store raises.

    That is NotFoundError for a tile that is not there, FormatError for one that is too long.
    """

    def __init__(self, store: TileSource, country: str, number: int = 1) -> None:
        self.store, self.country, self.number = store, country, number
        self._read: dict[Tile, bytes] = {}
        self._nodes: dict[int, TiledNodes] = {}

    def key(self, tile: Tile) -> str:
        """Return the key of a tile."""
        return log_key(self.country, tile.path, self.number)

    def where(self, tile: Tile) -> str:
        """Return the address of a tile, for messages."""
        return f"{self.store.url}/{self.key(tile)}"

    def read(self, tile: Tile) -> bytes:
        """Return what the store holds of a tile, or of the whole tile that has grown from it."""
        if tile not in self._read:
            self._read[tile] = self._found(tile)
        return self._read[tile]

    def _found(self, tile: Tile) -> bytes:
        try:
            return self.store.read(self.key(tile), limit=tile_limit(tile))[0]
        except NotFoundError:
            if tile.width == WIDTH:
                raise
            # C2SP: a partial tile may be removed once the whole one is there.
            try:
                whole = self.read(Tile(tile.level, tile.number))
            except NotFoundError:
                pass
            else:
                return _beginning(whole, tile)
            raise

    def nodes(self, size: int) -> TiledNodes:
        """Return the nodes of the tree of ``size`` entries, out of its tiles."""
        return self._nodes.setdefault(size, TiledNodes(size, self.read))

    def check(self, state: LogState) -> None:
        """Raise VerificationError unless the tiles give the tree's root."""
        if tree_root(state.size, self.nodes(state.size)) != state.root:
            raise VerificationError(
                f"the tiles of the log of {self.country} in {self.store.url} do not give the root "
                f"that is signed for {state.size} entries",
                remedy=TAMPERED,
            )

    def consistency(self, earlier: int, later: int) -> list[bytes]:
        """Return the proof that the first ``earlier`` of ``later`` entries are that tree."""
        return consistency_proof(earlier, later, self.nodes(later))

    def check_grown(self, earlier: LogState, later: LogState) -> None:
        """Raise VerificationError unless the later tree begins with the earlier one, by proof."""
        proof = self.consistency(earlier.size, later.size)
        verify_consistency(earlier.size, later.size, proof, earlier.root, later.root)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that an entry is in the tree of ``size`` entries."""
        return inclusion_proof(index, size, self.nodes(size))

    def check_included(self, entry: bytes, index: int, state: LogState) -> None:
        """Raise VerificationError unless ``entry`` is at ``index`` in the tree, by proof."""
        proof = self.inclusion(index, state.size)
        verify_inclusion(index, state.size, leaf_hash(entry), proof, state.root)

    def last_bundle(self, first: int, size: int) -> list[bytes]:
        """Return the entries from ``first``, where the last bundle begins, as their tile has them.

        Raises VerificationError for others. Whether the tile is right, ``check`` tells.
        """
        if first == size:
            return []
        held = self.entries(first, size, size)
        hashes = self.nodes(size).hashes(Tile(0, first // WIDTH, size - first))
        if [leaf_hash(entry) for entry in held] != hashes:
            raise VerificationError("the last bundle is not of the entries that its tile has")
        return held

    def entries(self, first: int, end: int, size: int) -> list[bytes]:
        """Return entries ``first`` to before ``end`` of the tree of ``size``; none is verified."""
        found: list[bytes] = []
        for number in range(first // WIDTH, -(-end // WIDTH)):
            tile = Tile(None, number, min(WIDTH, size - number * WIDTH))
            found += unbundle(self.read(tile), tile.width, where=self.where(tile))
        start = first // WIDTH * WIDTH
        return found[first - start : end - start]


def _beginning(whole: bytes, tile: Tile) -> bytes:
    """Return of a whole tile what a partial one of the same place had."""
    if tile.level is not None:
        return whole[: tile.width * HASH_BYTES]
    at = 0
    for _ in range(tile.width):
        at += 2 + int.from_bytes(whole[at : at + 2], "big")
    return whole[:at]
