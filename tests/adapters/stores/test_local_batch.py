"""Objects of a directory that are flushed together: never a name before its bytes, few flushes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores import local_batch
from pe_dvc.adapters.stores.local_batch import FILES_WAITING
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    DiskFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 3 * FILES_WAITING + 5


class _Flushes:
    """What is flushed and renamed, in order: ``("flush" or "name", inode)``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[tuple[str, int]] = []
        self._fsync, self._replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", self._flush)
        monkeypatch.setattr(os, "replace", self._name)

    def _flush(self, descriptor: int) -> None:
        self._fsync(descriptor)
        self.log.append(("flush", os.fstat(descriptor).st_ino))

    def _name(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        self.log.append(("name", os.stat(old, dir_fd=src_dir_fd).st_ino))
        self._replace(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def _fill(store: LocalStore, count: int, *, threads: int = 8) -> None:
    with store.batch() as batch, ThreadPoolExecutor(threads) as pool:
        keys = [f"us/{number % 5}/{number}" for number in range(count)]
        list(pool.map(lambda key: batch.write_blocks(key, [key.encode()], size=9), keys))


def test_no_object_has_its_name_before_its_bytes_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes = _Flushes(monkeypatch)
    _fill(LocalStore(tmp_path / "store"), COUNT)
    flushed: set[int] = set()
    for operation, inode in flushes.log:
        if operation == "name":
            assert inode in flushed
        flushed.add(inode)
    assert len([one for one in flushes.log if one[0] == "name"]) == COUNT


def test_each_file_is_flushed_once_and_each_folder_once_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes = _Flushes(monkeypatch)
    _fill(LocalStore(tmp_path / "store"), COUNT)
    assert len([one for one in flushes.log if one[0] == "flush"]) == COUNT + 5
    folders = {(tmp_path / "store/us" / str(n)).stat().st_ino for n in range(5)}
    assert {inode for _, inode in flushes.log[-5:]} == folders


def test_few_files_are_open_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the disk is: others wait while as many as may wait are flushed."""
    threads, most = 8, 0
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        nonlocal most
        most = max(most, len([*(tmp_path / "store/.pe_dvc/incoming").iterdir()]))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    _fill(LocalStore(tmp_path / "store"), 10 * FILES_WAITING, threads=threads)
    assert FILES_WAITING <= most <= 2 * (FILES_WAITING + threads)


def test_many_bytes_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_batch, "BYTES_WAITING", 10)
    store = LocalStore(tmp_path / "store")
    with store.batch() as batch:
        batch.write_blocks("us/a", [b"012345"], size=6)
        assert not [*store.list("us")]
        batch.write_blocks("us/b", [b"012345"], size=6)
        assert [info.key for info in store.list("us")] == ["us/a", "us/b"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from pe_dvc.adapters.stores.local_store import LocalStore
left = int(sys.argv[2])
replace = os.replace
def cut(*arguments, **options):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    replace(*arguments, **options)
os.replace = cut
with LocalStore(Path(sys.argv[1])).batch() as batch:
    for number in range(5):
        batch.write_blocks(f"us/{number}", [b"whole"], size=5)
"""


@pytest.mark.parametrize("named", [0, 1, 4])
def test_a_killed_process_leaves_whole_objects_and_the_next_batch_nothing_else(
    tmp_path: Path, named: int
) -> None:
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "store"), str(named)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    store, incoming = LocalStore(tmp_path / "store"), tmp_path / "store/.pe_dvc/incoming"
    assert [store.read(info.key, limit=9)[0] for info in store.list("us")] == [b"whole"] * named
    assert len([*incoming.iterdir()]) == 5 - named
    with store.batch():
        assert not [*incoming.iterdir()]


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")

    def write() -> None:
        with store.batch() as batch:
            batch.write_blocks("us/a", [b"a"], size=1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert not [*store.list("")]
    assert not [*(tmp_path / "store/.pe_dvc/incoming").iterdir()]


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ("us/pipe", StoreUnavailableError, r"us/pipe: .*named pipe"),
        ("us/folder", ConflictError, r"us/folder in .* directory of that name"),
        ("us/folder/file/x", ConflictError, r"part of its path is a file"),
    ],
)
def test_what_holds_an_objects_name_is_refused(
    tmp_path: Path, key: str, error: type[Exception], message: str
) -> None:
    """None of these is what a copy of another object is found to lack, whose thread sees it."""
    store = LocalStore(tmp_path / "store")
    (tmp_path / "store/us/folder").mkdir(parents=True)
    (tmp_path / "store/us/folder/file").touch()
    os.mkfifo(tmp_path / "store/us/pipe")

    def write() -> None:
        with store.batch() as batch:
            batch.write_blocks(key, [b"a"], size=1)

    with pytest.raises(error, match=message):
        write()


def test_what_was_refused_takes_no_room_until_the_end(tmp_path: Path) -> None:
    """Of a thousand altered objects none keeps a file open, or on the disk."""
    store, incoming = LocalStore(tmp_path / "store"), tmp_path / "store/.pe_dvc/incoming"

    def refused() -> Iterator[bytes]:
        yield b"half"
        raise DigestMismatchError(what="it", expected="a", actual="b", source="there")

    with store.batch() as batch:
        before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - iterdir holds one more
        for number in range(3):
            with pytest.raises(DigestMismatchError):
                batch.write_blocks(f"us/{number}", refused(), size=9)
        assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208
        assert not [*incoming.iterdir()]


def test_a_directory_that_is_removed_meanwhile(tmp_path: Path) -> None:
    """It is not what the origin lacks."""
    store = LocalStore(tmp_path / "store")
    with store.batch() as batch:
        (tmp_path / "store/.pe_dvc/incoming").rmdir()
        with pytest.raises(StoreUnavailableError, match=r"us/a: .*removed"):
            batch.write_blocks("us/a", [b"a"], size=1)


def test_a_full_disk_is_the_stores(tmp_path: Path) -> None:
    """A download that fills a file of a store says so of this machine: here it is the store's."""
    store = LocalStore(tmp_path / "store")

    def write() -> None:
        with store.batch() as batch, batch.filling("us/a"):
            raise DiskFullError("us/a", "no space")

    with pytest.raises(StoreUnavailableError, match="no space"):
        write()
    assert not [*store.list("")]
