"""A log in a store: what its tiles prove, whatever else the store holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pe_dvc.documents.channel_log import LogState
from pe_dvc.documents.keys import checkpoint_key, log_key
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.tlog.merkle import leaf_hash, tree_root
from pe_dvc.tlog.tiles import GrownTree, Tile, bundle, tiles_of
from pe_dvc.trust.channel_log import StoredLog
from tests.support.memory_store import MemoryStore

ENTRIES = [b"entry %d" % number for number in range(600)]


def grown(*sizes: int, entries: list[bytes] = ENTRIES) -> tuple[MemoryStore, list[LogState]]:
    """Return a store with the log as it grew to these sizes, and its states."""
    store, states, before = MemoryStore(), list[LogState](), 0
    for size in sizes:
        tree = GrownTree(before, entries[before:size], StoredLog(store, "us").read)
        for tile in tiles_of(size, since=before):
            first = tile.number * 256
            is_bundle = tile.level is None
            held = entries[first : first + tile.width]
            data = bundle(held) if is_bundle else tree.hashes(tile)
            store.create(log_key("us", tile.path), data)
        states.append(LogState(size, tree_root(size, tree)))
        before = size
    return store, states


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 600), min_size=2, max_size=4, unique=True).map(sorted))
def test_each_entry_and_each_earlier_tree_is_proven(sizes: list[int]) -> None:
    store, states = grown(*sizes)
    log, last = StoredLog(store, "us"), states[-1]
    for state in states[:-1]:
        log.check_grown(state, last)
    for index in {0, sizes[0] - 1, last.size - 1}:
        (entry,) = log.entries(index, index + 1, last.size)
        assert entry == ENTRIES[index]
        log.check_included(entry, index, last)
    assert log.entries(0, last.size, last.size) == ENTRIES[: last.size]
    log.check(last)


def test_a_log_that_was_rewritten_proves_nothing() -> None:
    _, (earlier, _) = grown(300, 520)
    store, (_, rewritten) = grown(300, 520, entries=[b"other", *ENTRIES[1:]])
    log = StoredLog(store, "us")
    log.check(rewritten)
    with pytest.raises(VerificationError, match="does not begin"):
        log.check_grown(earlier, rewritten)
    with pytest.raises(VerificationError, match="not in the tree"):
        log.check_included(ENTRIES[0], 0, rewritten)


def test_altered_missing_and_swollen_tiles_are_told_apart() -> None:
    store, (state,) = grown(300)
    key = log_key("us", Tile(0, 1, 44).path)
    right = store.objects[key]
    store.objects[key] = bytes(44 * 32)
    with pytest.raises(VerificationError, match="do not give the root"):
        StoredLog(store, "us").check(state)
    store.objects[key] = right[:-1]
    with pytest.raises(VerificationError, match="bytes"):
        StoredLog(store, "us").check(state)
    store.objects[key] = right + b"x"
    with pytest.raises(FormatError):
        StoredLog(store, "us").check(state)
    del store.objects[key]
    with pytest.raises(NotFoundError):
        StoredLog(store, "us").check(state)


def test_a_whole_tile_serves_for_the_partial_ones_that_were_removed() -> None:
    store, (earlier, later) = grown(200, 300)
    for key in [key for key in store.objects if ".p/200" in key]:
        del store.objects[key]
    log = StoredLog(store, "us")
    log.check(earlier)
    log.check_grown(earlier, later)
    assert log.entries(10, 12, 200) == ENTRIES[10:12]
    assert leaf_hash(ENTRIES[10]) == log.nodes(200)(0, 10)


def test_a_log_that_was_begun_again_lies_beside_the_first() -> None:
    assert log_key("us", "tile/0/000") == "channels/us/log/tile/0/000"
    assert log_key("us", "tile/0/000", 2) == "channels/us/log/2/tile/0/000"
    assert checkpoint_key("us") == "channels/us/log/checkpoint"
    assert StoredLog(MemoryStore(), "us", 3).key(Tile(0, 0, 5)).endswith("log/3/tile/0/000.p/5")
