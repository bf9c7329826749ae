"""The check of a bucket: each kind of damage is found, named, and mended from a good copy."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.file_journal import FileJournal
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import chunks_key, manifest_key, payload_key, tombstone_key
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256, chunk_digests, sha256_bytes
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.store.port import ObjectInfo
from pe_dvc.usecases.retention.fsck import fsck
from pe_dvc.usecases.retention.reachability import Bucket, Reach
from pe_dvc.usecases.retention.repair import Source, repair
from tests.support.factories import manifest_of, pointer_to
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.usecases.retention.findings import Report

PAYLOAD = bytes(range(256)) * 8192 + b"tail"
MANIFEST = manifest_of(PAYLOAD)
SHA256 = Sha256(MANIFEST.artifact.sha256)
KEYS = {
    "payload": payload_key("us", MANIFEST.artifact.dvc.md5),
    "manifest": manifest_key("us", SHA256),
    "chunks": chunks_key("us", SHA256),
}
RAW = b"raw input"
RAW_KEY = payload_key("us", hashlib.md5(RAW).hexdigest())
LISTING = json.dumps([{"md5": hashlib.md5(RAW).hexdigest(), "relpath": "raw.csv"}]).encode()
LISTING_KEY = payload_key("us", hashlib.md5(LISTING).hexdigest() + ".dir")


@pytest.fixture
def store() -> MemoryStore:
    """Return a bucket in which all is well."""
    made = MemoryStore()
    target = {
        "hashes": {"sha256": SHA256},
        "custom": {"manifest_sha256": sha256_bytes(MANIFEST.to_bytes())},
    }
    channel = json.dumps({"signed": {"targets": {"us/latest/enhanced_cps_2024": target}}})
    for key, data in {
        KEYS["payload"]: PAYLOAD,
        KEYS["manifest"]: MANIFEST.to_bytes(),
        KEYS["chunks"]: chunk_digests([PAYLOAD]),
        RAW_KEY: RAW,
        LISTING_KEY: LISTING,
        "channels/us/1.latest.json": channel.encode(),
    }.items():
        made.create(key, data)
    return made


def check(store: MemoryStore, journal: Path, *, reach: Reach | None = None) -> Report:
    return fsck(Bucket.read(store, "us"), FileJournal(journal), reach=reach)


def faults(report: Report) -> list[tuple[str, str]]:
    return [(finding.fault, finding.key) for finding in report.findings]


def test_where_all_is_well_nothing_is_found(store: MemoryStore, tmp_path: Path) -> None:
    report = check(store, tmp_path / "journal")
    assert (faults(report), report.ok) == ([], True)
    assert (report.manifests, report.hashed) == (1, 3)
    assert report.hashed_bytes == len(PAYLOAD) + len(RAW) + len(LISTING)


def test_a_pointer_that_contradicts_its_manifest_is_found(
    store: MemoryStore, tmp_path: Path
) -> None:
    honest = pointer_to(MANIFEST)
    assert honest.file is not None
    for path, expected in (("data/other.parquet", True), (honest.file.path, False)):
        pointer = replace(honest, file=replace(honest.file, path=path))
        channel = {"signed": {"targets": {pointer.target_path: pointer.to_target()}}}
        store.overwrite("channels/us/1.latest.json", json.dumps(channel).encode())
        found = faults(check(store, tmp_path / "journal"))
        assert (("corrupt", "channels/us/1.latest.json") in found) == expected


@pytest.mark.parametrize("what", KEYS)
def test_what_is_missing_is_named(store: MemoryStore, tmp_path: Path, what: str) -> None:
    store.delete([KEYS[what]])
    found = faults(check(store, tmp_path / "journal"))
    assert ("missing", KEYS[what]) in found


@pytest.mark.parametrize("what", KEYS)
def test_one_altered_byte_is_found(store: MemoryStore, tmp_path: Path, what: str) -> None:
    data, _ = store.read(KEYS[what], limit=1 << 24)
    altered = data.replace(b"local", b"lokal") if what == "manifest" else data[:-1] + b"?"
    assert altered != data
    store.overwrite(KEYS[what], altered)
    report = check(store, tmp_path / "journal")
    assert ("corrupt", KEYS[what]) in faults(report)
    assert not report.ok


@pytest.mark.parametrize("plant", ["link", "pipe"])
def test_what_a_neighbour_planted_in_a_directory_is_found(
    store: MemoryStore, tmp_path: Path, plant: str
) -> None:
    bucket, thesis = LocalStore(tmp_path / "bucket"), tmp_path / "thesis"
    thesis.write_bytes(b"raw input")  # even of the right bytes
    keys = [*KEYS.values(), RAW_KEY, LISTING_KEY]
    for key, data in store.objects.items():
        bucket.create(key, data)
    for key in keys:
        path = tmp_path / "bucket" / key
        path.unlink()
        if plant == "link":
            path.symlink_to(thesis)
        else:
            os.mkfifo(path)
    report = fsck(Bucket.read(bucket, "us"), FileJournal(tmp_path / "journal"), reach=None)
    found = {key for fault, key in faults(report) if fault == "corrupt"}
    assert found == set(keys) - {KEYS["chunks"]}, "no manifest names the chunk list now"
    assert thesis.read_bytes() == b"raw input"


def test_a_payload_of_another_size_is_not_even_read(store: MemoryStore, tmp_path: Path) -> None:
    store.overwrite(KEYS["payload"], PAYLOAD[:-1])
    report = check(store, tmp_path / "journal")
    assert faults(report) == [("wrong size", KEYS["payload"])]
    assert report.hashed_bytes == len(RAW) + len(LISTING)


def test_raw_inputs_are_held_against_their_md5(store: MemoryStore, tmp_path: Path) -> None:
    store.overwrite(RAW_KEY, b"raw inpux")
    assert faults(check(store, tmp_path / "journal")) == [("corrupt", RAW_KEY)]
    store.delete([RAW_KEY])
    report = check(store, tmp_path / "journal")
    assert faults(report) == [("missing", RAW_KEY)]
    assert report.findings[0].what == "raw.csv"


def test_a_tombstone_without_a_signature_denies_nothing(store: MemoryStore, tmp_path: Path) -> None:
    forged, other = tombstone_key("us", SHA256), tombstone_key("us", Sha256("ab" * 32))
    store.create(forged, b"{}")
    store.create(other, b"{}")
    report = check(store, tmp_path / "journal")
    unsigned = sorted([("forged", forged), ("forged", other)])
    assert faults(report) == unsigned
    assert report.ok
    store.delete([KEYS["payload"]])
    report = check(store, tmp_path / "journal")
    assert faults(report) == [("missing", KEYS["payload"]), *unsigned]
    assert not report.ok


def test_orphans_are_told_apart_and_do_no_harm(store: MemoryStore, tmp_path: Path) -> None:
    lone = payload_key("us", hashlib.md5(b"lone").hexdigest())
    store.create(lone, b"lone")
    chunks = chunks_key("us", Sha256("ab" * 32))
    store.create(chunks, b"")
    known = Reach(md5s={hashlib.md5(LISTING).hexdigest()})
    report = check(store, tmp_path / "journal", reach=known)
    assert faults(report) == [("orphaned", chunks), ("orphaned", lone)]
    assert report.ok
    assert ("orphaned", lone) not in faults(check(store, tmp_path / "journal", reach=None))


def test_what_is_no_object_of_dvcs_does_no_harm(store: MemoryStore, tmp_path: Path) -> None:
    left_behind = f"{RAW_KEY}.Xa8.tmp"
    store.create(left_behind, b"raw in")
    report = check(store, tmp_path / "journal")
    assert faults(report) == [("orphaned", left_behind)]
    assert report.ok


class Failing:
    """A store that stops answering at a payload."""

    def __init__(self, store: MemoryStore, key: str) -> None:
        self._store, self._key = store, key

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        if key == self._key:
            raise StoreUnavailableError("gone", operation="read", key=key)
        return self._store.read_range(key, start, length)


def test_a_check_that_was_cut_off_goes_on_where_it_was(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pe_dvc.usecases.retention.fsck.OBJECTS_AT_ONCE", 1)
    bucket = Bucket.read(store, "us")
    cut = Bucket(Failing(store, LISTING_KEY), "us", bucket.objects, bucket.channels)  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError):
        fsck(cut, FileJournal(tmp_path / "journal"), reach=None)
    before = (tmp_path / "journal").read_text()
    assert before.count("\n") >= 1
    (tmp_path / "journal").write_text(before + '["half a li')
    report = check(store, tmp_path / "journal")
    assert (report.resumed, report.resumed + report.hashed) == (before.count("\n"), 3)
    assert report.ok


def test_the_journal_does_not_vouch_for_other_bytes(store: MemoryStore, tmp_path: Path) -> None:
    check(store, tmp_path / "journal")
    store.overwrite(KEYS["payload"], b"?" + PAYLOAD[1:])
    report = check(store, tmp_path / "journal")
    assert faults(report) == [("corrupt", KEYS["payload"])]
    assert report.resumed == 2


def test_a_finished_journal_is_forgotten(tmp_path: Path) -> None:
    journal, info = FileJournal(tmp_path / "j"), ObjectInfo(key="k", size=1, etag="e")
    journal.add(info)
    assert FileJournal(tmp_path / "j").knows(info)
    journal.finish()
    assert not FileJournal(tmp_path / "j").knows(info)


@pytest.mark.parametrize("what", [*KEYS, "raw"])
def test_what_a_mirror_holds_good_is_put_back(
    store: MemoryStore, tmp_path: Path, what: str
) -> None:
    key = KEYS.get(what, RAW_KEY)
    good, _ = store.read(key, limit=1 << 24)
    mirror, worse = MemoryStore(), MemoryStore()
    mirror.create(key, good)
    worse.create(key, good[:-1] + b"?")
    store.overwrite(key, b"damaged")
    findings = check(store, tmp_path / "journal").findings
    done = repair(store, findings, [Source(worse), Source(mirror)], {})
    assert [one.key for one in done] == [key]
    assert done[0].replaced.startswith(("corrupt: ", "wrong size: "))
    assert store.read(key, limit=1 << 24)[0] == good
    assert check(store, tmp_path / "journal2").findings == []


def test_a_payload_removed_behind_a_tombstone_without_a_signature_is_put_back(
    store: MemoryStore, tmp_path: Path
) -> None:
    mirror = MemoryStore()
    mirror.create(KEYS["payload"], PAYLOAD)
    store.create(tombstone_key("us", SHA256), b"{}")
    store.delete([KEYS["payload"]])
    (done,) = repair(store, check(store, tmp_path / "j").findings, [Source(mirror)], {})
    assert done.key == KEYS["payload"]
    assert len(PAYLOAD) > CHUNK_SIZE


@pytest.mark.parametrize("size", [0, 1000, CHUNK_SIZE])
def test_a_list_of_one_chunk_may_be_missing_and_not_be_another(
    store: MemoryStore, tmp_path: Path, size: int
) -> None:
    data = b"x" * size
    manifest = manifest_of(data, name="small")
    sha256 = Sha256(manifest.artifact.sha256)
    store.create(payload_key("us", manifest.artifact.dvc.md5), data)
    store.create(manifest_key("us", sha256), manifest.to_bytes())
    assert faults(check(store, tmp_path / "journal")) == []
    store.create(chunks_key("us", sha256), chunk_digests([data]))  # as earlier versions did
    assert faults(check(store, tmp_path / "journal")) == []
    store.overwrite(chunks_key("us", sha256), b"?" * 32)
    assert faults(check(store, tmp_path / "journal")) == [("corrupt", chunks_key("us", sha256))]
