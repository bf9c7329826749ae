"""The tree that a publication's log is said to be, held against its signed root.

What is asked of it is computed from the entries that the signed snapshot adds, where that is
enough, so that nothing is read; else from the tiles, which anyone may have altered. Nothing comes
out of it that the signed root does not prove. ADR 0039.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import Leaf
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.tlog.frontier import Frontier
from pe_dvc.tlog.merkle import consistency_proof, leaf_hash, tree_root, verify_consistency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.trust.channel_log import StoredLog
    from pe_dvc.trust.log_memory import ShownLog

BEGINS = 16
"""How many beginnings of a tree are remembered: mirrors that are behind show them again."""


class ProvenTree:
    """The tree of ``state``, of which ``log`` has the tiles and ``kept`` may be beginnings.

    Its methods raise VerificationError for tiles that are missing or not those of the tree, and
    as the store does.
    """

    def __init__(self, state: LogState, log: StoredLog, kept: Sequence[ShownLog]) -> None:
        self._state, self._log = state, log
        self._roots = {state.size: state.root}
        self._edge = next((one.edge for one in kept if one.tree.is_same_tree(state)), b"")
        self.proof: list[bytes] = []
        """The hashes by which a beginning was computed last."""
        self._has_entries = any(self._continues(one) for one in _beginnings(state, kept))

    def _continues(self, begin: Frontier) -> bool:
        """Add the snapshot's entries to an earlier tree; tell whether it has the root then."""
        roots = {begin.size: begin.root()}
        for leaf in self._state.entries:
            begin.add(leaf_hash(leaf.to_bytes()))
            roots[begin.size] = begin.root()
        if roots[begin.size] != self._state.root:
            return False
        self._roots, self._edge = roots, begin.to_bytes()
        return True

    def root_of(self, size: int) -> bytes:
        """Return the root of the first ``size`` entries."""
        if size not in self._roots:
            self._roots[size] = self._root_by_tiles(size)
        return self._roots[size]

    def know(self, begins: Mapping[int, bytes]) -> None:
        """Take roots of beginnings for known, as they were proven of a tree that begins this."""
        self._roots = {**begins, **self._roots}

    def begins(self) -> dict[int, bytes]:
        """Return the roots of beginnings that are proven, the largest ones, by size."""
        sizes = sorted(self._roots.keys() - {0, self._state.size})[-BEGINS:]
        return {size: self._roots[size] for size in sizes}

    def _root_by_tiles(self, size: int) -> bytes:
        later = self._state.size
        try:
            nodes = self._log.nodes(later)
            root, self.proof = tree_root(size, nodes), consistency_proof(size, later, nodes)
            # It holds for no other root of that size (RFC 9162, 2.1.4): not even a thief's.
            verify_consistency(size, later, self.proof, root, self._state.root)
        except NotFoundError as error:
            raise self._missing(error) from error
        except (VerificationError, FormatError) as error:
            raise self._altered(error) from error
        return root

    def leaf(self, index: int) -> Leaf:
        """Return the entry at ``index``."""
        state, log = self._state, self._log
        added = state.entries[index - state.before] if index >= state.before else None
        if added is not None and self._has_entries:
            return added
        try:
            if added is not None and self._is_at(added.to_bytes(), index):
                return added
            (entry,) = log.entries(index, index + 1, state.size)
            log.check_included(entry, index, state)
        except NotFoundError as error:
            raise self._missing(error) from error
        except (VerificationError, FormatError, ValueError) as error:
            raise self._altered(error) from error
        return Leaf.parse(entry, where=f"entry {index} of the log in {log.store.url}")

    def _is_at(self, entry: bytes, index: int) -> bool:
        try:
            self._log.check_included(entry, index, self._state)
        except VerificationError:
            return False
        return True

    def edge(self) -> bytes:
        """Return the right edge of the tree, by which the next one is checked without tiles."""
        if self._edge:
            return self._edge
        state = self._state
        try:
            found = Frontier.of_nodes(state.size, self._log.nodes(state.size))
        except NotFoundError as error:
            raise self._missing(error) from error
        except (VerificationError, FormatError) as error:
            raise self._altered(error) from error
        if found.root() != state.root:
            raise self._altered(VerificationError("they give another root"))
        return found.to_bytes()

    def _missing(self, error: NotFoundError) -> VerificationError:
        return VerificationError(
            f"the log of the channels of {self._log.country} cannot be verified: {error.message}",
            remedy="Of a mirror, read the bucket itself as well. Otherwise tell the maintainers: "
            "pe-dvc push writes the log's newest files again, pe-dvc fsck --repair all of them.",
        )

    def _altered(self, error: Exception) -> VerificationError:
        said = getattr(error, "message", str(error))
        return VerificationError(
            f"the files of the log of {self._log.country} in {self._log.store.url} are not those "
            f"of the log that is signed: {said}",
            remedy="Someone who can write there altered them: read another store of the country as "
            "well, and tell the maintainers, who run pe-dvc fsck --repair. Where that cannot "
            "repair them, the entries of the log were signed and never published.",
        )


def _beginnings(state: LogState, kept: Sequence[ShownLog]) -> Iterator[Frontier]:
    """Yield the trees, as they are known here, that the snapshot's entries may be added to."""
    if state.before == 0 and state.entries:
        yield Frontier()
    for one in kept:
        tree = one.tree
        if one.edge and (tree.number, tree.size) == (state.number, state.before):
            begin = Frontier.from_bytes(tree.size, one.edge)
            if begin.root() == tree.root:
                yield begin
