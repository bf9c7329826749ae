"""Merkle trees over a list of entries: roots, and proofs of inclusion and consistency.

As RFC 6962, section 2.1 (https://www.rfc-editor.org/rfc/rfc6962#section-2.1) defines them with
SHA-256. How proofs are verified is in RFC 9162, 2.1.3.2 and 2.1.4.2. To make a proof takes
no more of the tree than nodes of complete subtrees, which tiles give (``pe_dvc.tlog.tiles``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, VerificationError

if TYPE_CHECKING:
    from typing_extensions import Buffer

HASH_BYTES = 32
"""Bytes of a hash of the tree."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without entries."""

Nodes = Callable[[int, int], bytes]
"""``nodes(level, index)`` is the hash of the complete subtree of ``2**level`` entries that begins
at entry ``index * 2**level``."""


def leaf_hash(entry: Buffer) -> bytes:
    """Return the hash of an entry, of domain 0x00, so that it can be no inner node's."""
    return hashlib.sha256(b"\x00" + bytes(entry)).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, of domain 0x01."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(size: int, nodes: Nodes) -> bytes:
    """Return the root of the tree of the first ``size`` entries."""
    _check_sizes(size)
    return _range_hash(0, size, nodes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the siblings from entry ``index`` up to the root of the tree of ``size`` entries."""
    if not 0 <= index < size:
        raise FormatError(f"a tree of {size} entries has no entry {index}")
    start, end, proof = 0, size, list[bytes]()
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            proof.append(_range_hash(start, middle, nodes))
            start = middle
    return proof[::-1]


def consistency_proof(earlier: int, later: int, nodes: Nodes) -> list[bytes]:
    """Return what proves that the first ``earlier`` of ``later`` entries are an earlier tree.

    Nothing for trees of the same size. Of an empty earlier tree there is nothing to prove.
    """
    _check_sizes(earlier, later)
    if earlier in (0, later):
        return []
    start, end, is_whole, proof = 0, later, True, list[bytes]()
    while end != earlier:
        middle = start + _split(end - start)
        if earlier <= middle:
            proof.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            proof.append(_range_hash(start, middle, nodes))
            start, is_whole = middle, False
    # What is left ends with the earlier tree. If it is all of it, the verifier has its hash.
    if not is_whole:
        proof.append(_range_hash(start, end, nodes))
    return proof[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise VerificationError unless ``leaf`` is the hash of entry ``index`` under ``root``."""
    if not 0 <= index < size:
        raise VerificationError(f"a tree of {size} entries has no entry {index}")
    _check_hashes([leaf, *proof])
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise _wrong_length(proof)
        if node % 2 or node == last:
            found = node_hash(sibling, found)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            found = node_hash(found, sibling)
        node, last = node // 2, last // 2
    if last:
        raise _wrong_length(proof)
    if found != root:
        raise VerificationError(
            f"entry {index} is not in the tree of {size} entries with that root"
        )


def verify_consistency(
    earlier: int, later: int, proof: Sequence[bytes], earlier_root: bytes, later_root: bytes
) -> None:
    """Raise VerificationError unless the earlier tree is the beginning of the later one.

    An empty tree is the beginning of any, so that a proof of it proves nothing: it is refused.
    """
    if not 0 <= earlier <= later or earlier == 0 < later:
        raise VerificationError(f"no proof shows that {earlier} entries begin {later}")
    _check_hashes(proof)
    if earlier == later:
        if proof:
            raise _wrong_length(proof)
        if earlier_root != later_root or (later == 0 and later_root != EMPTY_ROOT):
            raise _inconsistent(earlier, later)
        return
    begins, ends = _both_roots(earlier, later, proof, earlier_root)
    if (begins, ends) != (earlier_root, later_root):
        raise _inconsistent(earlier, later)


def _both_roots(
    earlier: int, later: int, proof: Sequence[bytes], earlier_root: bytes
) -> tuple[bytes, bytes]:
    """Return the roots of both trees that a proof comes to (RFC 9162, 2.1.4.2)."""
    rest = [earlier_root, *proof] if earlier & (earlier - 1) == 0 else [*proof]
    if not rest:
        raise _wrong_length(proof)
    node, last = earlier - 1, later - 1
    while node % 2:
        node, last = node // 2, last // 2
    begins = ends = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            raise _wrong_length(proof)
        if node % 2 or node == last:
            begins, ends = node_hash(sibling, begins), node_hash(sibling, ends)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            ends = node_hash(ends, sibling)
        node, last = node // 2, last // 2
    if last:
        raise _wrong_length(proof)
    return begins, ends


def _range_hash(start: int, end: int, nodes: Nodes) -> bytes:
    """Return the hash of entries ``start`` to ``end``; ``start`` is where a subtree may begin."""
    found: bytes | None = None
    for level, index in reversed(complete_subtrees(start, end)):
        found = nodes(level, index) if found is None else node_hash(nodes(level, index), found)
    assert found is not None
    return found


def complete_subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """Return level and index of the complete subtrees, largest first, that make up a range."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append((level, start >> level))
        start += 1 << level
    return parts


def _split(size: int) -> int:
    """Return the largest power of two below ``size``: how many entries are on the left."""
    return 1 << ((size - 1).bit_length() - 1)


def _check_sizes(*sizes: int) -> None:
    if list(sizes) != sorted(sizes) or sizes[0] < 0:
        raise FormatError(f"sizes of trees are whole numbers that do not go down, not {sizes}")


def _check_hashes(proof: Sequence[bytes]) -> None:
    if any(len(one) != HASH_BYTES for one in proof):
        raise VerificationError(f"hashes of a proof have {HASH_BYTES} bytes")


def _wrong_length(proof: Sequence[bytes]) -> VerificationError:
    return VerificationError(f"a proof of {len(proof)} hashes is too short or too long")


def _inconsistent(earlier: int, later: int) -> VerificationError:
    return VerificationError(
        f"the tree of {later} entries does not begin with the tree of {earlier} entries"
    )
