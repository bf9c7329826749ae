"""The right edge of a growing Merkle tree: all that adding entries and its root need."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

from pe_dvc.primitives.errors import FormatError
from pe_dvc.tlog.merkle import EMPTY_ROOT, HASH_BYTES, Nodes, complete_subtrees, node_hash


@dataclass
class Frontier:
    """A tree of ``size`` entries, as the roots of its complete subtrees, largest first."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Take one more entry, by its leaf hash."""
        rest = self.size
        while rest & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            rest >>= 1
        self.hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree, as ``merkle.tree_root`` does."""
        if not self.hashes:
            return EMPTY_ROOT
        return reduce(lambda right, left: node_hash(left, right), reversed(self.hashes))

    def to_bytes(self) -> bytes:
        """Return the hashes one after the other, to be kept beside the size."""
        return b"".join(self.hashes)

    @classmethod
    def of_nodes(cls, size: int, nodes: Nodes) -> Frontier:
        """Return the edge of the tree of the first ``size`` entries."""
        return cls(size, [nodes(level, index) for level, index in complete_subtrees(0, size)])

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Read what ``to_bytes`` gave. Raises FormatError for another number of hashes."""
        if size < 0 or len(data) != size.bit_count() * HASH_BYTES:
            raise FormatError(
                f"the right edge of a tree of {size} entries has {size.bit_count()} hashes of "
                f"{HASH_BYTES} bytes, not {len(data)} bytes"
            )
        parts = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        return cls(size, parts)
