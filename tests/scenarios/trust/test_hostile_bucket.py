"""A bucket in a directory that somebody hostile writes to: its links lead nobody out of it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc import Repo
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.errors import FormatError
from pe_dvc.store.checks import PRIVATE_PART
from tests.support.commands import run
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "us/4e/4e92.manifest.json"


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """Return a directory beside the bucket, and check that nothing in it changed."""
    place = tmp_path / "outside"
    (place / "ab").mkdir(parents=True)
    (place / "ab" / ("c" * 30)).write_bytes(b"precious")
    (place / "thesis.txt").write_text("my thesis")
    os.utime(place / "ab" / ("c" * 30), (1, 1))
    before = _files(place)
    yield place
    assert _files(place) == before


def _files(place: Path) -> dict[str, bytes]:
    return {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def test_gc_deletes_nothing_behind_a_linked_directory(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    made, bucket = HandMadeRepo(tmp_path / "repo", tmp_path / "keys"), tmp_path / "bucket"
    made.create("cps")
    made.build("cps", b"a dataset")
    made.update_latest()
    run("git", "add", "--all", cwd=made.root)
    run("git", "commit", "--quiet", "--message", "Build", cwd=made.root)
    config = f"[core]\n    remote = p\n['remote \"p\"']\n    url = {bucket}/us\n"
    (made.root / ".dvc/config").write_text(config)
    made.push(LocalStore(bucket))
    (bucket / "us/files/md5/ab").symlink_to(outside / "ab")
    with pytest.raises(FormatError, match="us/files/md5/ab: is a symbolic link"):
        Repo(made.root).gc(apply=True, grace=timedelta(0))


def test_delete_and_list_do_not_follow_a_linked_directory(tmp_path: Path, outside: Path) -> None:
    store = LocalStore(tmp_path / "bucket")
    store.create(KEY, b"")
    (tmp_path / "bucket/us/files").symlink_to(outside)
    for prefix in ("", "us", "us/files/", "us/files/ab"):
        with pytest.raises(FormatError, match="symbolic link"):
            list(store.list(prefix))
    with pytest.raises(FormatError, match="symbolic link"):
        store.delete(["us/files/thesis.txt"])


@pytest.mark.parametrize("link", ["us", "us/4e", PRIVATE_PART, f"{PRIVATE_PART}/incoming"])
def test_push_writes_nothing_through_a_linked_directory(
    tmp_path: Path, outside: Path, link: str
) -> None:
    bucket = tmp_path / "bucket"
    store = LocalStore(bucket)
    (bucket / link).parent.mkdir(parents=True, exist_ok=True)
    (bucket / link).symlink_to(outside)
    (tmp_path / "file").write_bytes(b"data")
    for write in (
        lambda: store.create(KEY, b"x"),
        lambda: store.overwrite(KEY, b"x"),
        lambda: store.upload(KEY, tmp_path / "file"),
    ):
        with pytest.raises(FormatError, match="symbolic link"):
            write()


@pytest.mark.parametrize("target", ["thesis.txt", "new"])
def test_a_lock_that_is_a_link_is_neither_locked_nor_made(
    tmp_path: Path, outside: Path, target: str
) -> None:
    bucket = tmp_path / "bucket"
    store = LocalStore(bucket)
    etag = store.create(KEY, b"x").etag
    (bucket / PRIVATE_PART / "locks").mkdir()
    (bucket / PRIVATE_PART / "locks/write").symlink_to(outside / target)
    with pytest.raises(FormatError, match="symbolic link"):
        store.compare_and_swap(KEY, b"y", etag)
    assert store.read(KEY, limit=9)[0] == b"x"


def test_an_object_that_is_a_link_is_replaced_and_its_target_kept(
    tmp_path: Path, outside: Path
) -> None:
    """As ``latest.json``, which each push overwrites, or what ``gc`` removes."""
    store = LocalStore(tmp_path / "bucket")
    store.create(KEY, b"x")
    for name in ("latest.json", "old.json"):
        (tmp_path / "bucket/us" / name).symlink_to(outside / "thesis.txt")
    store.overwrite("us/latest.json", b"y")
    store.delete(["us/old.json"])
    assert (tmp_path / "bucket/us/latest.json").read_bytes() == b"y"
    assert not (tmp_path / "bucket/us/latest.json").is_symlink()
