"""Writes below a directory that no link, and no change of it meanwhile, leads out of."""

from __future__ import annotations

import gc
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.confined import OPEN_OR_MAKE, ConfinedTree
from pe_dvc.store.permissions import DVC_GROUP


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    return tmp_path / "outside"


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    (tmp_path / "root/deep").mkdir(parents=True)
    (tmp_path / "root/link").symlink_to(outside)
    (tmp_path / "root/deep/link").symlink_to("../../outside")
    (tmp_path / "root/loop").symlink_to("loop")
    return tmp_path / "root"


LINKED = ["link/x", "deep/link/x", "deep/link/new/x", "loop/x"]


@pytest.mark.parametrize("path", LINKED)
def test_no_folder_that_is_a_link_is_followed(root: Path, outside: Path, path: str) -> None:
    (outside / "x").write_text("mine")
    tree = ConfinedTree(root)
    for call in (
        lambda: tree.write(path, b"other"),
        lambda: tree.unlink(path),
        lambda: tree.open_file(path, OPEN_OR_MAKE),
        lambda: tree.make_folder(f"{path}y"),
        lambda: tree.check([path]),
    ):
        with pytest.raises(FormatError, match="is a symbolic link to"):
            call()
    assert [file.read_text() for file in outside.iterdir()] == ["mine"]


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a//x", "", "a/./x", "a\0b"])
def test_no_path_leads_out(root: Path, path: str) -> None:
    with pytest.raises(FormatError, match="not a path inside"):
        ConfinedTree(root).write(path, b"")


def test_a_link_in_the_file_s_own_place_is_replaced_or_removed(root: Path, outside: Path) -> None:
    (outside / "x").write_text("mine")
    for name in ("a", "b"):
        (root / name).symlink_to(outside / "x")
    ConfinedTree(root).write("a", b"new")
    ConfinedTree(root).unlink("b")
    assert (root / "a").read_bytes() == b"new"
    assert not (root / "b").is_symlink()
    assert (outside / "x").read_text() == "mine"


def test_root_itself_may_be_a_link_and_is_made(tmp_path: Path, root: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    ConfinedTree(tmp_path / "alias").write("new/folder/x", b"x")
    assert (root / "new/folder/x").read_bytes() == b"x"
    ConfinedTree(tmp_path / "not/there").write("x", b"x")
    assert (tmp_path / "not/there/x").read_bytes() == b"x"


def test_folders_have_the_mode_of_a_group(tmp_path: Path) -> None:
    ConfinedTree(tmp_path / "cache", modes=DVC_GROUP).write("files/ab/x", b"x")
    modes = {stat.S_IMODE((tmp_path / p).stat().st_mode) for p in ("cache", "cache/files/ab")}
    assert modes == {0o2775}


@pytest.mark.parametrize("umask", [0, 0o022, 0o277])
def test_a_file_has_the_mode_asked_for_and_is_told_of(root: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        found = ConfinedTree(root).write("deep/x", b"mine", mode=0o600)
    finally:
        os.umask(before)
    now = (root / "deep/x").lstat()
    assert stat.S_IMODE(now.st_mode) == 0o600
    assert (found.st_ino, found.st_size, found.st_mtime_ns) == (now.st_ino, 4, now.st_mtime_ns)


def test_an_error_names_the_file_and_leaves_nothing(root: Path) -> None:
    (root / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        ConfinedTree(root).write("folder", b"x")
    assert caught.value.filename == f"{root}/folder"
    with pytest.raises(FileNotFoundError) as missing:
        ConfinedTree(root).unlink("deep/x")
    assert missing.value.filename == f"{root}/deep/x"
    assert {p.name for p in root.iterdir()} == {"deep", "link", "loop", "folder"}


def test_a_lock_is_a_file(root: Path, outside: Path) -> None:
    (root / "lock").symlink_to(outside / "new")
    with pytest.raises(FormatError, match="symbolic link"):
        ConfinedTree(root).open_file("lock", OPEN_OR_MAKE)
    with pytest.raises(FormatError, match="is a symbolic link"):
        ConfinedTree(root).check_entries("deep")
    assert list(outside.iterdir()) == []


def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(root: Path, outside: Path) -> None:
    """The one who owns the clone changes it back and forth while others write in it."""
    place, aside, done = root / "swapped", root / "aside", Event()

    def swap() -> None:
        while not done.is_set():
            with suppress(OSError):  # whoever writes may have made the folder meanwhile
                place.rename(aside)
                place.symlink_to(outside)
            with suppress(OSError):
                place.unlink()
            shutil.rmtree(aside, ignore_errors=True)

    thread = Thread(target=swap)
    thread.start()
    tree, written = ConfinedTree(root), 0
    try:
        for number in range(2000):
            with suppress(FormatError, OSError):
                tree.write(f"swapped/{number}", b"x")
                written += 1
    finally:
        done.set()
        thread.join()
    assert list(outside.iterdir()) == []
    assert written


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def write_by_threads(root: Path, paths: list[str]) -> None:
    tree = ConfinedTree(root, keep_open=4)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: tree.write(path, path.encode()), paths))


def test_folders_that_stay_open_serve_many_threads_and_are_closed(root: Path) -> None:
    paths = [f"{number % 7}/{number % 3}/{number}" for number in range(300)]
    gc.collect()  # what tests before this one left open is closed some time
    before = open_descriptors()
    write_by_threads(root, paths)
    gc.collect()
    assert open_descriptors() <= before
    assert [(root / path).read_text() for path in paths] == paths


def test_folders_that_stay_open_and_are_removed_are_made_again(root: Path) -> None:
    tree = ConfinedTree(root, keep_open=4)
    tree.write("a/b/x", b"1")
    shutil.rmtree(root)
    tree.write("a/b/x", b"2")
    assert (root / "a/b/x").read_bytes() == b"2"
    shutil.rmtree(root / "a")
    with pytest.raises(FileNotFoundError):
        tree.read("a/b/x")
    os.close(tree.open_file("a/b/x", OPEN_OR_MAKE))
    assert (root / "a/b/x").read_bytes() == b""


def test_a_file_that_others_remove_all_the_time_is_made(root: Path) -> None:
    tree, done = ConfinedTree(root), Event()

    def remove() -> None:
        while not done.is_set():
            with suppress(FileNotFoundError):
                tree.unlink("file")

    thread = Thread(target=remove)
    thread.start()
    try:
        for _ in range(500):
            os.close(tree.open_file("file", OPEN_OR_MAKE))
    finally:
        done.set()
        thread.join()
