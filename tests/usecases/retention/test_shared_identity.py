"""A file that has the identity of a directory: a list of the sha256 of its files is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.file_journal import FileJournal
from pe_dvc.documents.keys import chunks_key, manifest_key, members_key, payload_key
from pe_dvc.primitives.digest import Sha256, chunk_digests
from pe_dvc.usecases.retention.fsck import fsck
from pe_dvc.usecases.retention.gc_plan import plan_gc
from pe_dvc.usecases.retention.reachability import Bucket, Reach
from tests.support.country import Country
from tests.support.directories import STATES, lines, member, publish_directory
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

SUMS = "".join(
    f"{one.sha256}  {one.path}\n" for one in sorted(member(p, d) for p, d in STATES.items())
).encode()
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    """Return a bucket with a directory, and a file that lists it as ``sha256sum`` does."""
    made = MemoryStore()
    country = Country(tmp_path, made)
    directory = publish_directory(country, STATES, point=False)
    sums = manifest_of(SUMS, name="sums", path="data/sums")
    identity = Sha256(sums.artifact.sha256)
    assert identity == directory.artifact.sha256
    country.write(payload_key("us", sums.artifact.dvc.md5), SUMS)
    country.write(chunks_key("us", identity), chunk_digests([SUMS]))
    country.write(manifest_key("us", identity, "sums"), sums.to_bytes())
    country.point("latest", [directory, sums])
    return made


def test_both_are_kept(store: MemoryStore) -> None:
    plan = plan_gc(Bucket.read(store, "us"), Reach(), now=LATER, grace=timedelta(days=14))
    assert plan.unreachable == []


def test_both_are_checked(store: MemoryStore, tmp_path: Path) -> None:
    assert _faults(store, tmp_path / "1") == []
    identity = Sha256(manifest_of(SUMS).artifact.sha256)
    members = members_key("us", identity)
    store.delete([chunks_key("us", identity), members])
    assert _faults(store, tmp_path / "2") == [("missing", members)], "the other is one chunk"


def test_a_signed_list_of_another_directory_is_found(tmp_path: Path) -> None:
    store = MemoryStore()
    country = Country(tmp_path / "country", store)
    for number, sidecar in enumerate((b"garbage", lines([member("AL.h5", b"other")]))):
        found = publish_directory(country, STATES, sidecar=sidecar)
        key = members_key("us", Sha256(found.artifact.sha256))
        assert ("corrupt", key) in _faults(store, tmp_path / f"{number}")


def _faults(store: MemoryStore, journal: Path) -> list[tuple[str, str]]:
    report = fsck(Bucket.read(store, "us"), FileJournal(journal), reach=Reach())
    return [(finding.fault, finding.key) for finding in report.findings]
