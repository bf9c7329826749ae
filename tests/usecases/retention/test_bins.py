"""A channel in bins is mirrored, checked and kept like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.file_journal import FileJournal
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import bins_prefix
from pe_dvc.documents.mirrors import Selection
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.project.repo import DataRepo
from pe_dvc.trust import bin_files
from pe_dvc.trust.bin_files import _Known
from pe_dvc.usecases.mirror.sync import Sync
from pe_dvc.usecases.retention.fsck import fsck
from pe_dvc.usecases.retention.reachability import Bucket, Reach
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store

DATASETS = {f"cps_{year}": f"{year}".encode() for year in range(2000, 2012)}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandMadeRepo:
    """Twelve datasets, published twice in bins to ``bucket``."""
    monkeypatch.setattr(bin_files, "_known", _Known())
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PE_DVC_STATE_DIR", str(tmp_path / "state"))
    made = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    made.create(*DATASETS)
    for name, content in DATASETS.items():
        made.build(name, b"old " + content)
    made.update_latest(bins=True)
    made.push(LocalStore(tmp_path / "bucket"))
    made.build("cps_2000", b"new")
    made.update_latest()
    made.push(LocalStore(tmp_path / "bucket"))
    return made


def bins(store: Store) -> list[str]:
    return [info.key for info in store.list(bins_prefix("us"))]


def test_a_mirror_has_the_bins_and_puts_right_what_was_altered(
    repo: HandMadeRepo, tmp_path: Path
) -> None:
    origin, mirror = LocalStore(tmp_path / "bucket"), LocalStore(tmp_path / "mirror")
    roots = DataRepo(repo.root).signed_metadata().root_files
    Sync(origin, mirror, "us", roots, name="m").run(Selection())
    assert bins(mirror) == bins(origin)
    assert len(repo.reader(mirror, tmp_path / "alice").datasets()) == len(DATASETS)
    for key in bins(mirror):
        (tmp_path / "mirror" / key).write_bytes(b"{}")
    with pytest.raises(VerificationError):
        repo.reader(_other(mirror, tmp_path), tmp_path / "bob").pointers()
    Sync(origin, mirror, "us", roots, name="m").run(Selection())
    assert repo.reader(mirror, tmp_path / "carol").datasets()["cps_2000"] == b"new"


def _other(mirror: LocalStore, tmp_path: Path) -> LocalStore:
    """Return the mirror as another process has it: nothing of it is in memory."""
    bin_files._known = _Known()
    return LocalStore(tmp_path / "mirror")


def test_a_whole_bucket_is_found_good_and_nothing_that_bins_name_is_removed(
    repo: HandMadeRepo, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "bucket")
    bucket = Bucket.read(store, "us")
    reach = Reach()
    bucket.add_published(reach, bucket.manifests())
    assert len(reach.sha256s & set(bucket.of_kind("manifest"))) == len(DATASETS) + 1


def test_a_bin_that_is_missing_or_altered_is_found_and_gc_removes_nothing(
    repo: HandMadeRepo, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "bucket")
    missing, altered, *_ = bins(store)
    (tmp_path / "bucket" / missing).unlink()
    (tmp_path / "bucket" / altered).write_bytes(b"{}")
    bucket = Bucket.read(store, "us")
    with pytest.raises(VerificationError, match="is missing or was altered"):
        bucket.add_published(Reach(), bucket.manifests())
    report = fsck(Bucket.read(store, "us"), FileJournal(tmp_path / "journal"), reach=None)
    found = [(one.fault, one.key) for one in report.findings]
    assert {("missing", missing), ("corrupt", altered)} <= {*found}
