"""The log of a channel's history, as a publication continues it: what is signed, and its tiles.

Snapshots are created once, each with its entries, so that of two publishers one continues the log
and the other completes what that one began. ADR 0039.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.channel_log import Leaf, LogState, log_name, reasons_given
from pe_dvc.documents.keys import checkpoint_key
from pe_dvc.documents.override import reason_of
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    SignatureError,
    VerificationError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.store.port import head_if_there
from pe_dvc.tlog.merkle import tree_root
from pe_dvc.tlog.tiles import WIDTH, GrownTree, right_edge, tiles_of
from pe_dvc.trust.channel_log import StoredLog, signed_state
from pe_dvc.trust.log_chain import all_entries, in_order
from pe_dvc.trust.roles import TARGETS_LIKE
from pe_dvc.trust.tuf_api import MetaFile, Root, Targets
from pe_dvc.trust.witnesses import checkpoint_note, witness_rule
from pe_dvc.usecases.publish.cosigners import Cosigners
from pe_dvc.usecases.publish.log_base import Base, base_in, find_base
from pe_dvc.usecases.publish.log_checkpoint import checkpoint
from pe_dvc.usecases.publish.log_tiles import Grown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pe_dvc.tlog.tiles import Tile
    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.stored_metadata import Head, SnapshotMeta, StoredMetadata
    from pe_dvc.trust.tuf_api import Snapshot

WRITES_AT_ONCE = 16


class ChannelLog:
    """The log of one country's channels in a bucket, under today's root.

    ``known`` holds what git has of channels, by role: they need not be read again. Raises
    VerificationError where what is in the bucket cannot be continued; StoreError.
    """

    def __init__(
        self, bucket: ChannelBucket, signers: Signers, known: Mapping[str, Targets] | None = None
    ) -> None:
        self._bucket, self._signers, self._known = bucket, signers, known or {}
        where = bucket.where("root", bucket.root.version)
        self.name = log_name(bucket.root.unrecognized_fields, bucket.country, where=where)
        self._rule = witness_rule(bucket.root.unrecognized_fields, where=where)
        self._cosigners: Cosigners = signers.cosigners or Cosigners()
        self._proving = threading.Lock()
        self._stored = StoredLog(bucket.store, bucket.country, self.name.number)
        self._asked: tuple[int, bytes, tuple[str, ...]] | None = None
        self._complete = 0  # the snapshot whose tiles were seen to be there

    def readers_ahead(self, head: Head) -> list[Callable[[], None]]:
        """Return what reads the tiles that a new snapshot continues, if ``head`` stays the newest.

        What cannot be read is asked for once more where it is needed.
        """
        state = self.state_of(head.snapshot, "snapshot")
        return [partial(self._read_ahead, tile) for tile in right_edge(state.size if state else 0)]

    def _read_ahead(self, tile: Tile) -> None:
        with suppress(PeDvcError):
            self._stored.read(tile)

    def state_of(self, held: StoredMetadata[Any] | None, role: str) -> LogState | None:
        """Return what a snapshot or timestamp says of this log; None for nothing."""
        state = signed_state(self._bucket, role, held)
        return state if state is not None and state.number == self.name.number else None

    def has(self, snapshot: StoredMetadata[Snapshot], meta: SnapshotMeta) -> bool:
        """Tell whether all that a snapshot names is in the log, as it says itself.

        A new root waits for the next push where this machine lacks the keys of the snapshot.
        """
        state = self.state_of(snapshot, "snapshot")
        if state is None or not state.index.keys() >= meta.keys():
            return False
        return state.roots == self._bucket.root.version or not self._can_sign()

    def _can_sign(self) -> bool:
        try:
            for role in ("snapshot", "timestamp"):
                self._signers.check_enough(self._bucket.root, role)
        except SignatureError:
            return False
        return True

    def agrees(self, head: Head) -> bool:
        """Tell whether the timestamp says of the log what its snapshot says.

        And that witnesses vouch for it, lately enough, or that those who answer were asked: who is
        away is not asked again and again.
        """
        ours = self.state_of(head.snapshot, "snapshot")
        shown = self.state_of(head.timestamp, "timestamp")
        if ours is None or shown is None or not shown.is_same_tree(ours):
            return False
        if self._asked is not None:
            size, root, lines = self._asked
            if (size, root) == (ours.size, ours.root) and {*lines} <= {*shown.cosignatures}:
                return True
        note = checkpoint_note(self.name.origin, ours)
        return not self._cosigners.is_due(self._rule, note, shown.cosignatures)

    def next_state(
        self,
        before: StoredMetadata[Snapshot] | None,
        named: SnapshotMeta,
        meta: SnapshotMeta,
        head: Head,
    ) -> LogState:
        """Return what the snapshot after ``before`` is to say, which names ``meta``.

        ``named`` is what ``before`` names.
        """
        state = self.state_of(before, "snapshot")
        if before is None or state is None or state.after is None:
            base = find_base(self._bucket, self._stored, before, head)
        else:
            base = base_in(before, state, named)
        leaves, index = self._leaves(base, meta)
        size = base.state.size if base.state else 0
        if not leaves and base.state is not None:
            root = base.state.root
        else:
            data = [leaf.to_bytes() for leaf in leaves]
            grown = self._grown(size, data, base.state, None)
            root = tree_root(size + len(leaves), grown.tree)
        return LogState(
            size + len(leaves),
            root,
            self.name.number,
            roots=self._bucket.root.version,
            after=base.after,
            entries=tuple(leaves),
            index=index,
        )

    def _leaves(self, base: Base, meta: SnapshotMeta) -> tuple[list[Leaf], dict[str, int]]:
        """Return what is new since a tree, and where each role's version will stand."""
        bucket, state = self._bucket, base.state
        leaves = [
            self._root_leaf(version)
            for version in range((state.roots or 0) + 1 if state else 1, bucket.root.version + 1)
        ]
        size, index = state.size if state else 0, dict[str, int]()
        for role in (role for role in TARGETS_LIKE if role in meta):
            sha256 = (meta[role].hashes or {}).get("sha256", "")
            if state is not None and base.named.get(role) == (meta[role].version, sha256):
                index[role] = state.index[role]
            else:
                index[role] = size + len(leaves)
                leaves.append(self._leaf(role, meta[role]))
        return leaves, index

    def _root_leaf(self, version: int) -> Leaf:
        data = self._bucket.read("root", Root, version).data
        return _leaf("root", MetaFile.from_data(version, data, ["sha256"]))

    def _leaf(self, role: str, meta_file: MetaFile) -> Leaf:
        reasons: list[str] = []
        if role in CHANNELS:
            signed = self._known.get(role)
            if signed is None or signed.version != meta_file.version:
                signed = self._read(role, meta_file)
            reasons = [] if signed is None else _overrides(signed)
        return _leaf(role, meta_file, reasons)

    def _read(self, role: str, meta_file: MetaFile) -> Targets | None:
        """Return a version that a snapshot names; an entry without reasons where it is lost."""
        try:
            return self._bucket.read_named(role, meta_file).metadata.signed
        except (NotFoundError, FormatError, VerificationError):
            return None

    def write(self, snapshot: StoredMetadata[Snapshot], *, is_new: bool = False) -> list[str]:
        """Write the tiles of a snapshot's tree that are not there; return their keys.

        Nothing of them is looked at but the last that is written, unless the snapshot ``is_new``.
        """
        state, version = self.state_of(snapshot, "snapshot"), snapshot.metadata.signed.version
        assert state is not None, "it was seen to say something of the log"
        if version == self._complete:
            return []
        self._complete = version
        *_, last = in_order(tiles_of(state.size))
        if not is_new and head_if_there(self._bucket.store, self._stored.key(last)) is not None:
            return []
        return self.write_tiles(state)

    def write_tiles(self, state: LogState) -> list[str]:
        """Write the tiles that the entries of ``state`` make, those before them only if needed."""
        data = [leaf.to_bytes() for leaf in state.entries]
        grown = self._grown(state.before, data, None, state) if data else self._whole(state)
        wanted = in_order(tiles_of(state.size, since=grown.kept))
        if not wanted:
            return []
        *hashes, last = [(self._stored.key(tile), grown.content(tile)) for tile in wanted]
        with Pool(WRITES_AT_ONCE) as pool:
            written = list(pool.map(lambda one: self._bucket.place(*one), hashes))
        written.append(self._bucket.place(*last))
        self._stored = StoredLog(self._bucket.store, self._bucket.country, self.name.number)
        return [key for (key, _), new in zip([*hashes, last], written, strict=True) if new]

    def publish_checkpoint(
        self, snapshot: StoredMetadata[Snapshot], head: Head
    ) -> tuple[LogState, str]:
        """Write the checkpoint of a snapshot's tree for others, whatever was there.

        Return what the timestamp is to say of the tree, with the cosignatures of witnesses, and
        the key of the checkpoint. Raises SignatureError where too few cosign what the root demands.
        """
        state = self.state_of(snapshot, "snapshot")
        assert state is not None, "it was seen to say something of the log"
        note = checkpoint(self._bucket.root, self._signers, self.name.origin, state)
        key = checkpoint_key(self._bucket.country, self.name.number)
        self._bucket.store.overwrite(key, str(note).encode())
        shown = self.state_of(head.timestamp, "timestamp")
        lines = self._cosigners.ask(
            note,
            before=state.before,
            prove=partial(self._prove, state),
            rule=self._rule,
            held=shown.cosignatures if shown is not None else (),
            is_read=head.timestamp is not None or not head.claimed,
        )
        self._asked = (state.size, state.root, lines)
        return state.copy_for_timestamp(lines), key

    def _prove(self, state: LogState, size: int) -> list[bytes]:
        """Return the proof that the log begins with its first ``size`` entries."""
        with self._proving:  # by several witnesses at once
            return self._stored.consistency(size, state.size) if 0 < size < state.size else []

    def _grown(
        self, size: int, entries: list[bytes], before: LogState | None, after: LogState | None
    ) -> Grown:
        """Return the tree of ``size`` entries and more, from its tiles if these are right.

        They are held against the root of either tree. What is wrong is made from all entries.
        """
        if size == 0:
            return Grown(GrownTree(0, entries, self._stored.read), 0, entries, 0)
        try:
            if before is not None:
                self._stored.check(before)
            tree = GrownTree(size, entries, self._stored.read)
            if after is not None and tree_root(tree.size, tree) != after.root:
                raise VerificationError("its tiles do not give the root that is signed")
            first = size // WIDTH * WIDTH
            return Grown(tree, first, [*self._stored.last_bundle(first, size), *entries], size)
        except (NotFoundError, FormatError, VerificationError):
            if after is not None:
                return self._whole(after)
            assert before is not None, "a tree without one before has no tiles"
            return self._whole(before, entries)

    def _whole(self, state: LogState, more: Sequence[bytes] = ()) -> Grown:
        """Return a tree made from all its entries, and some more."""
        entries = [*all_entries(self._bucket, self._stored, state), *more]
        return Grown(GrownTree(0, entries, self._stored.read), 0, entries, 0)


def _leaf(role: str, meta_file: MetaFile, reasons: Sequence[str] = ()) -> Leaf:
    hashes, length = meta_file.hashes or {}, meta_file.length
    if "sha256" not in hashes or length is None:
        raise FormatError(f"a snapshot gives neither sha256 nor length of {role}")
    return Leaf(role, meta_file.version, hashes["sha256"], length, reasons_given(reasons))


def _overrides(signed: Targets) -> list[str]:
    notes = (target.custom or {} for target in signed.targets.values())
    return [reason for note in notes if (reason := reason_of(note)) is not None]
