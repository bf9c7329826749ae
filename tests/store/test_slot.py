"""An artifact gets into the cache once, whole and verified, or leaves what may be resumed."""

from __future__ import annotations

import shutil
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.store.cache import Cache
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.local_copies import LocalCopy
from pe_dvc.store.locks import Wait, exclusive

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.partial import PartialFile
    from pe_dvc.store.slot import Slot

DATA = b"an artifact" * 100
SHA256 = sha256_bytes(DATA)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def slot(cache: Cache, sha256: Sha256 = SHA256) -> Slot:
    return cache.slot(sha256, len(DATA), ".parquet")


def test_what_was_kept_is_found_read_only_and_not_admitted_again(cache: Cache) -> None:
    first = slot(cache)
    with first.admission():
        assert not first.path
        first.keep(DATA)
    assert first.path == first.final
    assert first.final.read_bytes() == DATA
    assert stat.S_IMODE(first.final.stat().st_mode) == 0o444
    second = slot(cache)
    with second.admission():
        assert second.path == first.final
    assert slot(cache).find() == first.final


def test_a_partial_file_that_was_completed_becomes_the_artifact(cache: Cache) -> None:
    one = slot(cache)
    with one.admission(), one.filling() as partial:
        partial.write(0, DATA)
    assert one.final.read_bytes() == DATA
    assert not one.has_partial()


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (StoreUnavailableError("gone", operation="read", key="k"), True),
        (KeyboardInterrupt(), True),
        (VerificationError("altered"), False),
        (NotFoundError("missing"), False),
    ],
)
def test_what_a_failure_leaves_is_kept_if_it_can_be_resumed(
    cache: Cache, error: BaseException, stays: bool
) -> None:
    one = slot(cache)

    def fill() -> None:
        with one.admission(), one.filling() as partial:
            partial.write(0, DATA[:100])
            raise error

    with pytest.raises(type(error)):
        fill()
    assert one.has_partial() is stays
    assert slot(cache).find() is None


def test_only_one_is_admitted_at_a_time_and_the_other_finds_what_it_left(cache: Cache) -> None:
    first, second, waits = slot(cache), slot(cache), threading.Event()
    found: list[Path | None] = []

    def admit() -> None:
        with second.admission(on_wait=waits.set):
            found.append(second.path)

    other = threading.Thread(target=admit)
    with first.admission():
        other.start()
        assert waits.wait(30)
        assert found == []
        first.keep(DATA)
    other.join()
    assert found == [first.final]


def test_a_cache_that_is_cleared_during_a_download_is_said(cache: Cache) -> None:
    one = slot(cache)

    def fill() -> None:
        with one.admission(), one.filling() as partial:
            partial.write(0, DATA)
            shutil.rmtree(cache.directory)

    with pytest.raises(VerificationError, match="was removed by another process") as caught:
        fill()
    assert caught.value.remedy
    assert caught.value.remedy.startswith("Run it again.")
    again = slot(cache)
    with again.admission(), again.filling() as partial:
        partial.write(0, DATA)
    assert again.final.read_bytes() == DATA


def test_what_another_brought_meanwhile_will_do(cache: Cache) -> None:
    """As one does that locked a file of a cache that was cleared since."""
    one, other = slot(cache), slot(cache)
    with one.admission(), one.filling() as partial:
        partial.write(0, DATA)
        with other.filling() as same:
            same.write(0, DATA)
    assert one.path == one.final == other.path
    assert one.final.read_bytes() == DATA


def test_of_two_partial_files_that_of_another_is_left_to_it(cache: Cache) -> None:
    one, other = slot(cache), slot(cache)
    begun: list[PartialFile] = []

    def fill() -> None:
        with one.admission(), one.filling() as partial:
            partial.path.unlink()
            begun.append(other.partial())

    with pytest.raises(VerificationError, match="was replaced"):
        fill()
    assert begun[0].path.samefile(f"/proc/self/fd/{begun[0].file.descriptor}")
    assert not one.final.exists()


def test_older_versions_do_not_fill_the_same_file_meanwhile(cache: Cache) -> None:
    """They lock a file of that name; two that grew one file took it from each other."""
    waits = threading.Event()
    large = cache.slot(SHA256, 2**20 + 1, ".parquet")
    theirs = exclusive(
        ConfinedTree(cache.directory), f"locks/{SHA256}.lock", Wait(60, doing="", remedy="")
    )

    def admit() -> None:
        with large.admission(on_wait=waits.set):
            assert not waiting.is_set()

    waiting, other = threading.Event(), threading.Thread(target=admit)
    with theirs:
        waiting.set()
        other.start()
        assert waits.wait(30)
        waiting.clear()
    other.join()


def test_a_local_copy_is_taken_only_if_it_is_the_artifact(cache: Cache, tmp_path: Path) -> None:
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_bytes(b"x" * len(DATA))
    right.write_bytes(DATA)
    copies = [LocalCopy(path=path, immutable=False) for path in (tmp_path / "no", wrong, right)]
    assert slot(cache).find(copies[:2]) is None
    one = slot(cache)
    with one.admission(copies):
        assert one.path == one.final
    assert one.final.read_bytes() == DATA


def test_a_file_that_was_altered_is_removed(cache: Cache) -> None:
    one = slot(cache)
    with one.admission():
        one.keep(DATA)
    one.final.chmod(0o644)
    one.final.write_bytes(b"altered")
    assert slot(cache).find() is None
    assert not one.final.exists()


def test_what_is_no_digest_has_no_slot(cache: Cache) -> None:
    with pytest.raises(FormatError):
        cache.slot("../../etc/passwd", 1, "")  # type: ignore[arg-type]
