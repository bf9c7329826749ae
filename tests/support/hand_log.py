"""A channel's log made by hand: an honest one beside a simulator's bucket, or a thief's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.channel_log import Leaf, LogState, log_state
from pe_dvc.documents.keys import log_key
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.tlog.merkle import tree_root
from pe_dvc.tlog.tiles import WIDTH, GrownTree, bundle, tiles_of
from pe_dvc.trust.channel_log import StoredLog
from pe_dvc.trust.tuf_api import Metadata, MetaFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.stores import RecordingStore


class Logged(Protocol):
    """A bucket with a country's channels, and the keys of their roles: ``simulator.Simulator``."""

    country: str
    store: RecordingStore

    def key(self, name: str) -> str:
        """Return the key of a file of the channels."""
        ...

    def held(self, name: str) -> Metadata[Any]:
        """Return metadata that the bucket holds."""
        ...

    def plant(self, name: str, metadata: Metadata[Any], *signed_by: str) -> bytes:
        """Sign metadata by the keys of these roles, and put it into the bucket."""
        ...


def logged_state(sim: Logged) -> LogState:
    """What the bucket's snapshot says of the log."""
    stamp = sim.held("timestamp.json").signed
    name = f"{stamp.snapshot_meta.version}.snapshot.json"
    state = log_state(sim.held(name).signed.unrecognized_fields, where=name)
    assert state is not None
    return state


class HandLog:
    """A log of what a simulator's bucket shows, signed by whoever has the keys of ``sim``."""

    def __init__(self, sim: Logged, number: int = 1, leaves: Iterable[Leaf] = ()) -> None:
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


def go_on(sim: Logged, snapshot: Metadata[Any], stamp: Metadata[Any], *, before: int) -> None:
    """Log what a snapshot newly names, as a thief does who is not to be noticed by readers.

    It is made of snapshot version ``before``, whose log goes on; tiles are written. ``stamp`` is
    given its copy of the log. Where that snapshot has no log, there is none to go on.
    """
    name = f"{before}.snapshot.json"
    state = log_state(sim.held(name).signed.unrecognized_fields, where=name)
    if state is None:
        return
    log = StoredLog(sim.store, sim.country, state.number)
    index, added = dict(state.index), list[Leaf]()
    known = {leaf: at for at, leaf in enumerate(_entries(log, state))}
    for file, meta in sorted(snapshot.signed.meta.items()):
        role = file.removesuffix(".json")
        leaf = Leaf(role, meta.version, meta.hashes["sha256"], meta.length)
        if leaf not in known:
            known[leaf] = state.size + len(added)
            added.append(leaf)
        index[role] = known[leaf]
    entries = [leaf.to_bytes() for leaf in added]
    tree = GrownTree(state.size, entries, log.read)
    held = log.entries(0, state.size, state.size) + entries
    for tile in tiles_of(tree.size, since=state.size):
        first = tile.number * WIDTH
        data = bundle(held[first : first + tile.width]) if tile.level is None else tree.hashes(tile)
        sim.store.objects[log_key(sim.country, tile.path, state.number)] = data
    root = tree_root(tree.size, tree)
    grown = LogState(tree.size, root, state.number, (), state.roots, before, tuple(added), index)
    snapshot.signed.unrecognized_fields[LOG_FIELD] = grown.to_field()
    stamp.signed.unrecognized_fields[LOG_FIELD] = grown.copy_for_timestamp().to_field()


def _entries(log: StoredLog, state: LogState) -> list[Leaf]:
    """All entries, without the reasons that overrides give, by which no file is told apart."""
    held = log.entries(0, state.size, state.size)
    return [replace(Leaf.parse(one, where="the log"), overrides=()) for one in held]


def filler(count: int, start: int = 1000) -> list[Leaf]:
    """Return entries of versions that were published long ago."""
    digest = str(sha256_bytes(b"long ago"))
    return [Leaf("next", start + number, digest, 8) for number in range(count)]


def without_log(data: bytes) -> bytes:
    """Return a document's bytes without what it says of a log; its signatures are void."""
    document = json.loads(data)
    document["signed"].pop(LOG_FIELD, None)
    return json.dumps(document).encode()
