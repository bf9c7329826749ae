"""Syncs of one mirror at once, and beside a publisher or a collector there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import metadata_key, tombstone_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.usecases.retention import bucket_lock
from pe_dvc.usecases.retention.bucket_lock import collecting, publishing
from tests.support.country import NAME, payload_of
from tests.support.stores import RecordingStore
from tests.usecases.mirror.conftest import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pe_dvc.documents.manifest import Manifest
    from tests.usecases.mirror.conftest import Mirrored, Pair


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_lock, "PATIENCE", 0.0)
    monkeypatch.setattr(bucket_lock, "PAUSE", 0.05)


@contextmanager
def _for_a_while(turn: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
    """Have another process take its turn, until a sync has tried twice in vain."""
    held, tried = threading.Event(), threading.Event()

    def work() -> None:
        with turn():
            held.set()
            tried.wait(10)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(work)
        held.wait(10)
        timer = threading.Timer(0.3, tried.set)
        timer.start()
        yield
        other.result()


@pytest.fixture
def withdrawn(mirrored: Mirrored, pair: Pair) -> Manifest:
    """An artifact that is withdrawn, and still in the mirror."""
    gone, _ = mirrored.publish({NAME: b"withdrawn later", "cps_2024": b"stays"})
    assert mirrored.sync_to(pair).ok
    mirrored.revoke(gone)
    return gone


def test_beside_a_publisher_where_nothing_is_withdrawn(pair: Pair) -> None:
    with publishing(pair.mirror, "us"):
        done = pair.sync()
    assert done.ok
    assert pair.reader().datasets() == LATEST


def test_beside_a_publisher_where_it_is_gone_already(
    mirrored: Mirrored, pair: Pair, withdrawn: Manifest
) -> None:
    assert mirrored.sync_to(pair).removed
    with publishing(pair.mirror, "us"):
        assert mirrored.sync_to(pair).ok
    assert payload_of(withdrawn) not in pair.contents(pair.mirror)


def test_a_publisher_who_is_not_done_is_told_of(
    mirrored: Mirrored, pair: Pair, withdrawn: Manifest
) -> None:
    with publishing(pair.mirror, "us"):
        done = mirrored.sync_to(pair)
    assert "another process is publishing to" in done.left[""]
    assert payload_of(withdrawn) in pair.contents(pair.mirror)
    assert payload_of(withdrawn) in mirrored.sync_to(pair).removed


def test_a_publisher_who_is_done_soon_is_waited_for(
    mirrored: Mirrored, pair: Pair, withdrawn: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_lock, "PATIENCE", 10.0)
    with _for_a_while(lambda: publishing(pair.mirror, "us")):
        done = mirrored.sync_to(pair)
    assert done.ok
    assert payload_of(withdrawn) in done.removed


def test_a_publisher_who_is_done_while_others_are_copied(
    mirrored: Mirrored, pair: Pair, withdrawn: Manifest
) -> None:
    inner = pair.mirror
    pair.mirror = recording = RecordingStore(inner, {})
    turn, left = publishing(inner, "us"), False
    turn.__enter__()

    def leave(_: int, operation: str, key: str) -> None:
        nonlocal left
        if not left and (operation, key) == ("overwrite", "us/mirror.json"):
            left = True
            turn.__exit__(None, None, None)

    inner.delete(["us/mirror.json"])
    recording.before = leave
    assert mirrored.sync_to(pair).ok
    assert payload_of(withdrawn) not in pair.contents(inner)


def test_a_collector_is_waited_for_and_told_of(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        collecting(pair.mirror, "us"),
        pytest.raises(ConflictError, match="pe-dvc gc is clearing"),
    ):
        pair.sync()
    monkeypatch.setattr(bucket_lock, "PATIENCE", 10.0)
    with _for_a_while(lambda: collecting(pair.mirror, "us")):
        assert pair.sync().ok


def test_a_forged_tombstone_goes_where_nothing_is_withdrawn(pair: Pair) -> None:
    key = tombstone_key("us", Sha256("0" * 64))
    pair.mirror.create(key, b"{}")
    assert pair.sync().ok
    assert key not in pair.contents(pair.mirror)


def test_two_at_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_lock, "PATIENCE", 30.0)
    start = threading.Barrier(2)

    def sync() -> bool:
        start.wait(10)
        return pair.sync().ok

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(sync) for _ in range(2)]
    assert [one.result() for one in both] == [True, True]
    assert pair.reader().datasets() == LATEST


def test_two_at_once_where_something_is_withdrawn(
    mirrored: Mirrored, pair: Pair, withdrawn: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_lock, "PATIENCE", 30.0)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(mirrored.sync_to, pair) for _ in range(2)]
    assert [one.result().left for one in both] == [{}, {}]
    assert payload_of(withdrawn) not in pair.contents(pair.mirror)


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_another_sync_writes_the_same_metadata_first(pair: Pair, role: str) -> None:
    inner = pair.mirror
    pair.mirror = recording = RecordingStore(inner, {})
    files = {key: data for key, data in pair.contents(pair.origin).items() if f"{role}.json" in key}
    key = metadata_key("us", "timestamp") if role == "timestamp" else max(files)

    overtaken = False

    def overtake(_: int, operation: str, asked: str) -> None:
        nonlocal overtaken
        if not overtaken and (operation, asked) == ("swap", key):
            overtaken = True
            inner.create(key, files[key])

    recording.before = overtake
    done = pair.sync()
    assert overtaken
    assert done.ok
    assert key not in done.metadata
