from __future__ import annotations

import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters import digests
from pe_dvc.adapters.digests import DigestCache, digest_file
from pe_dvc.primitives.digest import CHUNK_SIZE
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

SIZES = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 4 * CHUNK_SIZE, 9 * CHUNK_SIZE + 5]


@pytest.mark.parametrize("size", SIZES)
def test_digests_of_a_file(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "x"
    path.write_bytes(data)
    found = digest_file(path)
    chunks = [data[i : i + CHUNK_SIZE] for i in range(0, size, CHUNK_SIZE)]
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.chunks == b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    assert found.size == size


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        digest_file(tmp_path / "none")
    with pytest.raises(NotFoundError):
        DigestCache(tmp_path).digest(tmp_path / "none")


def test_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 100)
    real = digests._digest_stream

    def slow(file: Any) -> Any:
        found = real(file)
        path.write_bytes(b"y" * 200)
        return found

    monkeypatch.setattr(digests, "_digest_stream", slow)
    with pytest.raises(DigestMismatchError, match="changed while it was read"):
        digest_file(path)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were really hashed, in order."""
    found: list[Path] = []
    real = digests.digest_file

    def counting(path: Path) -> Any:
        found.append(path)
        return real(path)

    monkeypatch.setattr(digests, "digest_file", counting)
    return found


def settled(path: Path, data: bytes, *, age: float = 10) -> Path:
    path.write_bytes(data)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_only_what_changed_is_hashed_again(tmp_path: Path, reads: list[Path]) -> None:
    one, two = settled(tmp_path / "one", b"1"), settled(tmp_path / "two", b"2")
    cache = DigestCache(tmp_path)
    before = [cache.digest(path) for path in (one, two)]
    assert [DigestCache(tmp_path).digest(path) for path in (one, two)] == before
    assert reads == [one, two]
    settled(two, b"3", age=5)
    assert cache.digest(two).sha256 == hashlib.sha256(b"3").hexdigest()
    replaced = settled(tmp_path / "new", b"9")
    then = one.stat().st_mtime_ns
    os.utime(replaced, ns=(then, then))
    replaced.replace(one)
    assert cache.digest(one).sha256 == hashlib.sha256(b"9").hexdigest()
    assert reads == [one, two, two, one]


def test_a_file_just_written_is_not_remembered(tmp_path: Path, reads: list[Path]) -> None:
    path = settled(tmp_path / "x", b"1", age=-5)
    DigestCache(tmp_path).digest(path)
    DigestCache(tmp_path).digest(path)
    assert reads == [path, path]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"body": {}}', None, b"lie"])
def test_damaged_entry_is_a_file_hashed_again(
    tmp_path: Path, reads: list[Path], damage: bytes | None
) -> None:
    path = settled(tmp_path / "x", b"1")
    expected = DigestCache(tmp_path).digest(path)
    (entry,) = (tmp_path / ".dvc/tmp/pe_dvc/digests").iterdir()
    if damage is None:
        entry.unlink()
    elif damage == b"lie":
        value = json.loads(entry.read_bytes())
        value["body"]["sha256"] = "0" * 64
        entry.write_text(json.dumps(value))
    else:
        entry.write_bytes(damage)
    assert DigestCache(tmp_path).digest(path) == expected
    assert DigestCache(tmp_path).digest(path) == expected
    assert reads == [path, path]


def test_many_threads_share_one_cache(tmp_path: Path) -> None:
    paths = [settled(tmp_path / f"{i}", b"%d" % i) for i in range(8)] * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(DigestCache(tmp_path).digest, paths))
    assert [d.sha256 for d in found] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    ]
    assert len(list((tmp_path / ".dvc/tmp/pe_dvc/digests").iterdir())) == 8
