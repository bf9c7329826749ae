"""A channel's log made by hand: an honest one beside a simulator's bucket, or a thief's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import LOG_FIELD, Leaf, LogState
from pe_dvc.documents.keys import log_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.tlog.merkle import tree_root
from pe_dvc.tlog.tiles import WIDTH, GrownTree, bundle, tiles_of
from pe_dvc.trust.tuf_api import MetaFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.simulator import Simulator


def logged_state(sim: Simulator) -> LogState:
    """What the bucket's snapshot says of the log."""
    from pe_dvc.documents.channel_log import log_state

    stamp = sim.held("timestamp.json").signed
    name = f"{stamp.snapshot_meta.version}.snapshot.json"
    state = log_state(sim.held(name).signed.unrecognized_fields, where=name)
    assert state is not None
    return state


class HandLog:
    """A log of what a simulator's bucket shows, signed by whoever has the keys of ``sim``."""

    def __init__(self, sim: Simulator, number: int = 1, leaves: Iterable[Leaf] = ()) -> None:
        self.sim, self.number = sim, number
        self.leaves = [*leaves]
        self.after = 0

    def add(self, *, tiles: bool = True, timestamp: int = 0) -> LogState:
        """Log what the snapshot names, and sign it and the timestamp again with the log in it.

        ``timestamp`` is how much its version goes up.
        """
        sim, before = self.sim, len(self.leaves)
        stamp = sim.held("timestamp.json")
        name = f"{stamp.signed.snapshot_meta.version}.snapshot.json"
        snapshot = sim.held(name)
        self._log_roots()
        index = {}
        for file, meta in snapshot.signed.meta.items():
            role = file.removesuffix(".json")
            leaf = Leaf(role, meta.version, meta.hashes["sha256"], meta.length)
            if leaf not in self.leaves:
                self.leaves.append(leaf)
            index[role] = self.leaves.index(leaf)
        if self.after == 0:
            before = 0
        entries = tuple(self.leaves[before:])
        state = self.state(len(self.leaves), entries=entries, index=index)
        self.after = snapshot.signed.version
        if tiles:
            self.write_tiles()
        snapshot.signed.unrecognized_fields[LOG_FIELD] = state.to_field()
        data = sim.plant(name, snapshot, "snapshot")
        promise = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
        stamp.signed.snapshot_meta = promise
        stamp.signed.version += timestamp
        stamp.signed.unrecognized_fields[LOG_FIELD] = state.copy_for_timestamp().to_field()
        sim.plant("timestamp.json", stamp, "timestamp")
        return state

    def state(
        self, size: int, *, entries: tuple[Leaf, ...] = (), index: dict[str, int] | None = None
    ) -> LogState:
        """Return what a snapshot says of the first entries."""
        root = tree_root(size, self._tree(size))
        roots = max((leaf.version for leaf in self.leaves if leaf.role == "root"), default=1)
        return LogState(size, root, self.number, (), roots, self.after, entries, index or {})

    def write_tiles(self) -> None:
        """Put all tiles of the log as it is into the bucket."""
        size = len(self.leaves)
        tree = self._tree(size)
        for tile in tiles_of(size):
            first = tile.number * WIDTH
            held = [leaf.to_bytes() for leaf in self.leaves[first : first + tile.width]]
            data = bundle(held) if tile.level is None else tree.hashes(tile)
            self.sim.store.objects[log_key(self.sim.country, tile.path, self.number)] = data

    def _tree(self, size: int) -> GrownTree:
        def none(tile: object) -> bytes:
            raise AssertionError(f"{tile} is of an earlier tree")

        return GrownTree(0, [leaf.to_bytes() for leaf in self.leaves[:size]], none)

    def _log_roots(self) -> None:
        logged = [leaf.version for leaf in self.leaves if leaf.role == "root"]
        version = max(logged, default=0) + 1
        while (
            data := self.sim.store.objects.get(self.sim.key(f"{version}.root.json"))
        ) is not None:
            self.leaves.append(Leaf("root", version, str(sha256_bytes(data)), len(data)))
            version += 1


def filler(count: int, start: int = 1000) -> list[Leaf]:
    """Return entries of versions that were published long ago."""
    digest = str(sha256_bytes(b"long ago"))
    return [Leaf("next", start + number, digest, 8) for number in range(count)]


def without_log(data: bytes) -> bytes:
    """Return a document's bytes without what it says of a log; its signatures are void."""
    document = json.loads(data)
    document["signed"].pop(LOG_FIELD, None)
    return json.dumps(document).encode()
