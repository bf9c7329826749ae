"""Proofs and tiles, against the definition of RFC 6962 written out in a few lines."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.tlog.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from pe_dvc.tlog.tiles import (
    GrownTree,
    Tile,
    TiledNodes,
    bundle,
    tiles_of,
    unbundle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRIES = [b"%d" % number for number in range(700)]
SIZES = st.integers(0, len(ENTRIES))


def mth(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, as it stands there."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return node_hash(mth(entries[:k]), mth(entries[k:]))


def written(*sizes: int) -> dict[str, bytes]:
    """What a log has written as tiles and bundles when it grew to these sizes, one by one."""
    files: dict[str, bytes] = {}
    before = 0
    for size in sizes:
        tree = GrownTree(before, ENTRIES[before:size], lambda tile: files[tile.path])
        for tile in tiles_of(size, since=before):
            first = tile.number * 256
            is_bundle = tile.level is None
            held = ENTRIES[first : first + tile.width]
            files[tile.path] = bundle(held) if is_bundle else tree.hashes(tile)
        assert tree_root(size, tree) == mth(ENTRIES[:size])
        before = size
    return files


def nodes(size: int, files: dict[str, bytes]) -> TiledNodes:
    return TiledNodes(size, lambda tile: files[tile.path])


def test_tree_of_nothing() -> None:
    assert tree_root(0, nodes(0, {})) == EMPTY_ROOT == mth([])


@settings(max_examples=60, deadline=None)
@given(st.lists(SIZES.filter(bool), min_size=1, max_size=4, unique=True).map(sorted), st.data())
def test_what_tiles_prove_is_accepted_of_the_right_entry_and_root_alone(
    sizes: list[int], data: st.DataObject
) -> None:
    files, size = written(*sizes), sizes[-1]
    index = data.draw(st.integers(0, size - 1))
    tree, root, leaf = nodes(size, files), mth(ENTRIES[:size]), leaf_hash(ENTRIES[index])
    proof = inclusion_proof(index, size, tree)
    verify_inclusion(index, size, leaf, proof, root)
    verify_inclusion(
        index, size, leaf, inclusion_proof(index, size, nodes(size, written(size))), root
    )
    wrong = leaf_hash(b"another")
    for number, found, other, claimed in (
        (index, wrong, proof, root),
        (index, leaf, proof, wrong),
        (index, leaf, [*proof, wrong], root),
        (index + 1 if index + 1 < size else index - 1, leaf, proof, root),
        *((index, leaf, [*proof[:at], wrong, *proof[at + 1 :]], root) for at in range(len(proof))),
        *((index, leaf, proof[:at], root) for at in range(len(proof))),
    ):
        with pytest.raises(VerificationError):
            verify_inclusion(number, size, found, other, claimed)


@settings(max_examples=60, deadline=None)
@given(SIZES.filter(bool), SIZES.filter(bool))
def test_a_tree_is_consistent_with_its_own_beginnings_alone(one: int, other: int) -> None:
    earlier, later = sorted((one, other))
    tree = nodes(later, written(later))
    begins, ends = mth(ENTRIES[:earlier]), mth(ENTRIES[:later])
    proof = consistency_proof(earlier, later, tree)
    verify_consistency(earlier, later, proof, begins, ends)
    wrong = leaf_hash(b"another")
    forged = [(begins, ends, [*proof, wrong]), (wrong, ends, proof), (begins, wrong, proof)]
    for at in range(len(proof)):
        forged.append((begins, ends, [*proof[:at], wrong, *proof[at + 1 :]]))
        forged.append((begins, ends, proof[:at]))
    for first, last, hashes in forged:
        with pytest.raises(VerificationError):
            verify_consistency(earlier, later, hashes, first, last)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 600), st.integers(0, 599), st.integers(0, 100))
def test_no_proof_makes_a_rewritten_history_consistent(size: int, changed: int, more: int) -> None:
    """What was rewritten has tiles of its own, all of them right in themselves."""
    changed %= size
    forged = [*ENTRIES[:changed], b"forged", *ENTRIES[changed + 1 : size + more]]
    later, files = len(forged), dict[str, bytes]()
    tree = GrownTree(0, forged, lambda tile: files[tile.path])
    proof = consistency_proof(size, later, tree)
    with pytest.raises(VerificationError):
        verify_consistency(size, later, proof, mth(ENTRIES[:size]), tree_root(later, tree))


def test_nodes_of_a_million_entries_come_from_a_tile_a_level() -> None:
    """A proof of a tree of 2**20 entries reads few tiles."""
    read: list[Tile] = []

    def zeros(tile: Tile) -> bytes:
        read.append(tile)
        return bytes(32 * tile.width)

    size = 2**20 + 77
    inclusion_proof(size - 3, size, TiledNodes(size, zeros))
    assert len(read) <= 4
    read.clear()
    consistency_proof(2**20 - 500, size, TiledNodes(size, zeros))
    assert len(read) <= 8


def test_tiles_of_the_specification() -> None:
    """https://c2sp.org/tlog-tiles has these as examples."""
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    tiles = [tile for tile in tiles_of(70_000) if tile.level is not None]
    found = [(tile.level, tile.width) for tile in tiles]
    assert found.count((0, 256)) == 273
    assert [one for one in found if one != (0, 256)] == [(0, 112), (1, 256), (1, 17), (2, 1)]
    assert [tile.path for tile in tiles_of(256)] == [
        "tile/entries/000",
        "tile/0/000",
        "tile/1/000.p/1",
    ]


@settings(deadline=None)
@given(st.integers(0, 300_000), st.integers(0, 300_000))
def test_later_tiles_are_those_that_the_tree_before_lacked(one: int, other: int) -> None:
    before, size = sorted((one, other))
    late = set(tiles_of(size, since=before))
    assert late == set(tiles_of(size)) - set(tiles_of(before))


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles(entries: list[bytes]) -> None:
    data = bundle(entries)
    assert unbundle(data, len(entries), where="here") == entries
    for broken in (data + b"\0", data[:-1], data + data):
        if broken and broken != data:
            with pytest.raises(FormatError, match="here"):
                unbundle(broken, len(entries), where="here")


def test_an_entry_that_is_too_long() -> None:
    with pytest.raises(FormatError, match="65535 bytes, not 65536"):
        bundle([bytes(65536)])
    assert len(bundle([bytes(65535)])) == 65537


def test_a_tile_that_was_cut_short() -> None:
    files = written(300)
    files["tile/0/000"] = files["tile/0/000"][:-1]
    with pytest.raises(VerificationError, match="tile/0/000 has 8191 bytes, not 8192"):
        inclusion_proof(1, 300, nodes(300, files))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_an_entry_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(FormatError, match="has no entry"):
        inclusion_proof(index, size, nodes(size, {}))
    with pytest.raises(VerificationError, match="has no entry"):
        verify_inclusion(index, size, EMPTY_ROOT, [], EMPTY_ROOT)
