"""All entries of a channel's log: from its bundles, else from the snapshots that added them.

Each snapshot holds its own entries, and names the one before. Neither is believed: the root that is
signed decides which entries are right. ADR 0039.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.tlog.merkle import tree_root
from pe_dvc.tlog.tiles import WIDTH, GrownTree, Tile, bundle, tiles_of
from pe_dvc.trust.channel_log import signed_state
from pe_dvc.trust.tuf_api import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.channel_log import StoredLog

READS_AT_ONCE = 16


def all_entries(bucket: ReadableChannels, log: StoredLog, state: LogState) -> list[bytes]:
    """Return the entries of the tree that a snapshot's ``state`` is of.

    Raises VerificationError if what is left of snapshots and bundles does not give its root, and
    StoreError.
    """
    bundled = _bundled(log, state.size, state.size)
    if bundled is not None and root_of(bundled) == state.root:
        return bundled
    entries: dict[int, bytes] = {}
    chain, later = _Chain(bucket), state
    while True:
        entries |= {later.before + n: leaf.to_bytes() for n, leaf in enumerate(later.entries)}
        before = chain.state(later.after) if later.after and later.before else None
        if before is None or before.number != state.number or before.size != later.before:
            break
        if before.after is None or later.after is None or before.after >= later.after:
            break  # it names itself or a later one, as anyone who can write may have it: no end
        later = before
    known = [entries[n] for n in range(later.before, state.size)]
    for size in (later.before, state.size):
        bundled = _bundled(log, later.before, size)
        if bundled is not None and root_of([*bundled, *known]) == state.root:
            return [*bundled, *known]
    raise VerificationError(
        f"the first {later.before} of {state.size} entries of the log of {bucket.country} in "
        f"{bucket.store.url} are lost: neither its snapshots nor its tiles have them",
        remedy="Put back the objects below channels/ from a mirror (pe-dvc mirror restore) or a "
        "copy. Only where there is none: begin a new log, docs/runbook-keys.md of pe_dvc.",
    )


def root_of(entries: Sequence[bytes]) -> bytes:
    """Return the root of the tree of these entries."""
    return tree_root(len(entries), GrownTree(0, entries, _no_tile))


def tiles_from(entries: Sequence[bytes]) -> dict[Tile, bytes]:
    """Return all tiles of the log of these entries, as they are written: bundles last."""
    tree = GrownTree(0, entries, _no_tile)
    found = {}
    for tile in in_order(tiles_of(len(entries))):
        start = tile.number * WIDTH
        held = entries[start : start + tile.width]
        found[tile] = bundle(held) if tile.level is None else tree.hashes(tile)
    return found


def in_order(tiles: Iterable[Tile]) -> list[Tile]:
    """Return tiles in the order in which they are written: the newest bundle is the last.

    That it is there tells that all are.
    """
    return sorted(tiles, key=lambda tile: (tile.level is None, tile.number))


def _no_tile(tile: Tile) -> bytes:
    raise AssertionError(f"a tree that is whole asks for no tile, and not for {tile.path}")


def _bundled(log: StoredLog, end: int, size: int) -> list[bytes] | None:
    try:
        return log.entries(0, end, size)
    except (NotFoundError, FormatError):
        return None


class _Chain:
    """Reads what snapshots say of the log; the versions before are read at the same time."""

    def __init__(self, bucket: ReadableChannels) -> None:
        self._bucket = bucket
        self._read: dict[int, LogState | None] = {}

    def state(self, version: int) -> LogState | None:
        """Return what a snapshot says, None where it is missing or says nothing of use."""
        if version not in self._read:
            wanted = range(version, max(version - READS_AT_ONCE, 0), -1)
            with Pool(READS_AT_ONCE) as pool:
                self._read |= zip(wanted, pool.map(self._of, wanted), strict=True)
        return self._read[version]

    def _of(self, version: int) -> LogState | None:
        try:
            held = self._bucket.read("snapshot", Snapshot, version)
            state = signed_state(self._bucket, "snapshot", held)
        except (NotFoundError, FormatError, VerificationError):
            return None
        return None if state is None or state.after is None else state
