"""Mirrors that fail, and syncs that are cut off: readers see the old state or the new one."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import chunks_key, metadata_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import (
    ConflictError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.project.mirror_place import server_copy
from pe_dvc.store.port import ObjectInfo
from pe_dvc.usecases.mirror.copy import check_digest
from pe_dvc.usecases.object_digest import BLOCK_BYTES
from tests.support.channel_logs import checked_log
from tests.support.stores import RecordingStore, WrappedStore
from tests.usecases.mirror.conftest import LARGE, LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.wanted import Wanted
    from tests.usecases.mirror.conftest import Pair


class _Full(WrappedStore):
    """Has room for metadata and notes, and for no payload."""

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        if "/files/" in key:
            raise StorePermissionError("quota exceeded", operation="write", key=key)
        super().write_blocks(key, blocks, size=size)


def test_a_mirror_that_is_full_keeps_its_old_state(pair: Pair) -> None:
    pair.sync()
    pair.publish(cps_2024=b"the second")
    inner, pair.mirror = pair.mirror, _Full(pair.mirror)
    with pytest.raises(StorePermissionError, match="quota"):
        pair.sync()
    pair.mirror = inner
    assert pair.reader().datasets() == LATEST
    pair.sync()
    assert pair.reader().datasets() == {**LATEST, "cps_2024": b"the second"}


class _LoginPage(WrappedStore):
    """Answers everything with a page of HTML, and 200; or what is there only."""

    everything = True

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        page = b"<!DOCTYPE html><title>Sign in</title>"
        if not self.everything:
            super().read(key, limit=limit)
        return page, ObjectInfo(key=key, size=len(page), etag="page")


@pytest.mark.parametrize("everything", [True, False])
def test_a_mirror_that_answers_with_html(pair: Pair, everything: bool) -> None:
    pair.mirror = _LoginPage(pair.mirror)
    pair.mirror.everything = everything
    with pytest.raises(StoreUnavailableError, match="a proxy or a login page"):
        pair.sync()
    with pytest.raises(PeDvcError):
        pair.verify()


def test_killed_at_every_write(pair: Pair) -> None:
    """Readers see the old state or the new one, and the next sync completes it."""
    pair.sync()
    new = {**LATEST, "cps_2024": b"the second"}
    pair.publish(cps_2024=b"the second")
    inner, points = pair.mirror, 0
    for point in range(1000):
        recording = RecordingStore(inner, {})
        recording.before = _killer(recording, point)
        pair.mirror = recording
        try:
            pair.sync()
        except KeyboardInterrupt:
            points += 1
        else:
            break
        pair.mirror = inner
        assert pair.reader(f"at {point}").datasets() in (LATEST, new)
    assert points >= 3
    pair.mirror = inner
    assert pair.sync().ok
    assert pair.reader("last").datasets() == new
    assert pair.verify().ok


def _killer(store: RecordingStore, point: int) -> Callable[[int, str, str], None]:
    """Let the ``point``-th write of a sync, and all that follow, not happen."""

    def before(_: int, operation: str, key: str) -> None:
        done = [one for one in store.writes if "/locks/" not in one[1]]
        writes = operation in {"create", "swap", "overwrite", "blocks"}
        if writes and "/locks/" not in key and len(done) > point:
            raise KeyboardInterrupt

    return before


class _Cut(WrappedStore):
    """Takes so many blocks of a large object, then the process ends."""

    def __init__(self, inner: Store, blocks: int) -> None:
        super().__init__(inner)
        self._left = blocks

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        super().write_blocks(key, self._cut(blocks) if size > BLOCK_BYTES else blocks, size=size)

    def filling(self, key: str) -> AbstractContextManager[OpenFile] | None:
        inner = super().filling(key)
        return None if inner is None else self._cut_file(inner)

    @contextmanager
    def _cut_file(self, inner: AbstractContextManager[OpenFile]) -> Iterator[OpenFile]:
        with inner as file:
            if self._left:
                yield file
            raise KeyboardInterrupt

    def _cut(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            if not self._left:
                raise KeyboardInterrupt
            self._left -= 1
            yield block


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_killed_within_a_large_object(pair: Pair, blocks: int) -> None:
    pair.sync()
    large = b"0123456789abcdef" * (BLOCK_BYTES // 8 + 1)
    pair.publish(enhanced_cps_2024=large)
    before, inner = pair.contents(pair.mirror), pair.mirror
    pair.mirror = _Cut(inner, blocks)
    with pytest.raises(KeyboardInterrupt):
        pair.sync(server=None)
    pair.mirror = inner
    held = pair.contents(inner)
    assert not [key for key in held.keys() - before.keys() if "/files/" in key]
    assert pair.reader().datasets() == LATEST
    pair.sync()
    assert pair.reader("new").datasets() == {**LATEST, "enhanced_cps_2024": large}


@pytest.mark.parametrize("by_server", [True, False])
def test_altered_bytes_of_the_right_size_become_visible_at_no_moment(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, by_server: bool
) -> None:
    """So a process that is killed at any moment leaves none, which a later sync took for right."""
    key = next(k for k, data in pair.contents(pair.origin).items() if data == LARGE)
    pair.origin.overwrite(key, LARGE[:-1] + b"?")
    server = server_copy(pair.origin, pair.mirror) if by_server else None
    seen: set[str] = set()

    def check(one: Wanted, actual: str, store: Store) -> None:
        seen.update(info.key for info in pair.mirror.list("us/files"))
        check_digest(one, actual, store)

    monkeypatch.setattr("pe_dvc.usecases.mirror.copy.check_digest", check)
    with pytest.raises(VerificationError, match="promises"):
        pair.sync(server=server)
    assert seen
    assert key not in seen
    assert key not in pair.contents(pair.mirror)


def test_a_list_of_one_chunk_is_not_asked_for_and_not_believed(pair: Pair) -> None:
    """It is the payload's own digest: what is there in its place does not travel."""
    right = hashlib.sha256(b"the first").digest()
    key = chunks_key("us", Sha256(right.hex()))
    pair.origin.overwrite(key, bytes(len(right)))  # earlier versions wrote one
    inner = pair.origin
    pair.origin = recording = RecordingStore(inner, {})
    pair.sync(server=None)
    assert not [asked for _, asked in recording.log if asked == key]
    assert pair.contents(pair.mirror)[key] == right
    assert pair.verify().ok


def test_large_objects_of_a_directory_come_by_ranges(pair: Pair) -> None:
    """The way of every download: many connections where they help, hashed as they arrive."""
    recording = pair.origin = RecordingStore(pair.origin, {})
    pair.sync(server=None)
    key = next(k for k, data in pair.contents(recording.inner).items() if data == LARGE)
    operation = "download" if isinstance(pair.mirror, LocalStore) else "range"
    assert (operation, key) in recording.log
    assert pair.contents(pair.mirror)[key] == LARGE


def test_a_slower_sync_does_not_set_back_what_a_faster_one_wrote(pair: Pair) -> None:
    """The faster one is done after the slower has seen the mirror's timestamp for the last time."""
    pair.sync()
    pair.publish(cps_2024=b"the second")
    inner, timestamp, looks = pair.mirror, metadata_key("us", "timestamp"), 0
    recording = RecordingStore(inner, {})

    def overtake(_: int, operation: str, key: str) -> None:
        nonlocal looks
        looks += (operation, key) == ("read", timestamp)
        if looks == 2:
            looks += 1
            pair.mirror = inner
            pair.publish(cps_2024=b"the third")
            pair.sync()

    recording.after, pair.mirror = overtake, recording
    with pytest.raises(ConflictError, match="another pe-dvc mirror sync writes"):
        pair.sync()
    assert looks > 3, "it is looked at once more, as another may have written the same"
    assert pair.reader().datasets() == {**LATEST, "cps_2024": b"the third"}


def test_a_recheck_minds_no_object_that_goes_meanwhile(pair: Pair) -> None:
    pair.sync()
    key = next(k for k, data in pair.contents(pair.mirror).items() if data == b"the first")
    inner = pair.mirror
    recording = RecordingStore(inner, {})

    def remove(_: int, operation: str, asked: str) -> None:
        if (operation, asked) == ("range", key):
            recording.before = lambda *_: None
            inner.delete([key])

    recording.before, pair.mirror = remove, recording
    assert pair.sync(recheck=True).copied == 1
    assert pair.contents(inner)[key] == b"the first"


def test_a_mirror_that_was_not_synced_for_weeks(pair: Pair) -> None:
    pair.sync()
    pair.publish(cps_2024=b"the second")
    pair.publish(cps_2024=b"the third")
    week, month = (datetime.now(UTC) + timedelta(days=days) for days in (7, 30))
    assert pair.verify(now=week).ok
    assert pair.verify(now=week).is_behind
    assert not pair.verify(now=month).ok
    assert pair.verify(now=month).expired
    pair.sync()
    mirror, origin = pair.contents(pair.mirror), pair.contents(pair.origin)
    assert mirror.items() <= origin.items()
    left_out = origin.keys() - mirror.keys()
    assert all(re.search(r"/log/tile/.*\.p/[0-9]+$", key) for key in left_out), "of smaller trees"
    checked_log(pair.mirror)


def test_small_payloads_of_a_directory_are_as_dvc_leaves_them(pair: Pair) -> None:
    """DVC hashes a writable object of a remote at each pull."""
    pair.sync()
    if isinstance(pair.mirror, LocalStore):
        files = [path for path in Path(pair.mirror.url, "us/files").rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if path.stat().st_mode & 0o222]


def test_where_copies_cannot_be_removed_the_server_makes_none(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would lie in the bucket twice: a mirror may be one that nothing is removed from."""
    server = server_copy(pair.origin, pair.mirror)
    if server is None:
        return
    refused = ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObject")

    def refuse(*_: object, **__: object) -> None:
        raise refused

    monkeypatch.setattr(server.mirror.client, "delete_object", refuse)
    done = pair.sync(server=server)
    assert done.ok
    assert done.by_server == 0
    assert pair.verify().ok
    listed = server.mirror.client.list_objects_v2(
        Bucket=server.mirror.bucket, Prefix=server.mirror.key(".pe_dvc/")
    )
    assert [one["Size"] for one in listed["Contents"]] == [0]


def test_what_killed_server_copies_left_is_removed(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_copy(pair.origin, pair.mirror)
    if server is None:
        return
    bucket, key = server.mirror.bucket, server.mirror.key(".pe_dvc/incoming/left")
    server.mirror.client.put_object(Bucket=bucket, Key=key, Body=b"half")
    server.prepare()
    listed = {"Bucket": bucket, "Prefix": server.mirror.key(".pe_dvc/")}
    assert server.mirror.client.list_objects_v2(**listed)["KeyCount"] == 1  # may be under way
    monkeypatch.setattr("pe_dvc.adapters.stores.s3_copy.KEPT_FOR", timedelta(seconds=-60))
    assert pair.sync(server=server).by_server == 1
    assert server.mirror.client.list_objects_v2(**listed)["KeyCount"] == 0
