"""Locks between processes: who waits is told of one that does not end, and not of many in turn."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.leases import Leases
from pe_dvc.store.lock_holders import lock_holders
from pe_dvc.store.locks import Wait, courteous_range, exclusive, exclusive_byte, offset

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

MANY, HELD, TIMEOUT = 30, 0.05, 1.0


def lock(directory: Path, timeout: float = TIMEOUT) -> AbstractContextManager[None]:
    wait = Wait(timeout, doing="reading", remedy="End it.")
    return exclusive(ConfinedTree(directory), ".lock", wait)


def test_of_many_that_wait_longer_together_than_one_may_each_gets_its_turn(tmp_path: Path) -> None:
    """200 readers of one cold cache, of which 50 gave up: that others were quick did not count."""
    assert MANY * HELD > TIMEOUT
    inside: list[int] = []

    def take(number: int) -> int:
        with lock(tmp_path):
            inside.append(number)
            time.sleep(HELD)
            assert inside[-1] == number, "two at once"
        return number

    with ThreadPoolExecutor(MANY) as pool:
        assert sorted(pool.map(take, range(MANY))) == [*range(MANY)]


def test_one_that_does_not_end_is_named(tmp_path: Path) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock(tmp_path):
            held.set()
            done.wait(60)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        held.wait(60)
        with pytest.raises(StoreUnavailableError, match=r"reading for over 0\.1 s") as caught:
            lock(tmp_path, timeout=0.1).__enter__()
        done.set()
    assert f"{tmp_path / '.lock'}: process {os.getpid()} (" in caught.value.message


ONE, OTHER = Sha256("1" * 64), Sha256("2" * 64)


def byte_lock(
    directory: Path, sha256: Sha256 = ONE, timeout: float = 60
) -> AbstractContextManager[None]:
    wait = Wait(timeout, doing="reading", remedy="End it.")
    return exclusive_byte(ConfinedTree(directory), "all", sha256, wait)


@pytest.fixture(params=["locks on bytes", "none in this sandbox"])
def sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """gVisor answers EINVAL: its users have locks on files."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    if request.param == "none in this sandbox":
        monkeypatch.setattr(fcntl, "fcntl", refuse)


@pytest.mark.usefixtures("sandbox")
def test_one_at_a_time_has_the_lock_of_an_artifact(tmp_path: Path) -> None:
    inside: list[int] = []

    def take(number: int) -> None:
        with byte_lock(tmp_path):
            inside.append(number)
            time.sleep(0.01)
            assert inside[-1] == number, "two at once"

    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(take, range(MANY)))
    assert sorted(inside) == [*range(MANY)]


@pytest.mark.usefixtures("sandbox")
def test_the_lock_of_one_artifact_keeps_none_from_another(tmp_path: Path) -> None:
    with byte_lock(tmp_path), byte_lock(tmp_path, OTHER, timeout=0.1):
        pass


@pytest.mark.usefixtures("sandbox")
def test_who_holds_the_lock_of_an_artifact_for_long_is_named(tmp_path: Path) -> None:
    refused = pytest.raises(StoreUnavailableError, match=r"reading for over 0\.1 s")
    with byte_lock(tmp_path), refused as caught:
        byte_lock(tmp_path, timeout=0.1).__enter__()
    assert f"holds {tmp_path}/" in caught.value.message
    assert f": process {os.getpid()} (" in caught.value.message


def test_of_those_that_hold_bytes_of_one_file_the_one_in_the_way_is_named(tmp_path: Path) -> None:
    ready, go_on = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        with byte_lock(tmp_path):
            os.write(ready[1], b"x")
            os.read(go_on[0], 1)
        os._exit(0)
    try:
        os.read(ready[0], 1)
        with byte_lock(tmp_path, OTHER):
            assert [int(one.split()[0]) for one in lock_holders(tmp_path / "all", offset(ONE))] == [
                child
            ]
            assert f"{os.getpid()} (" in lock_holders(tmp_path / "all", offset(OTHER))[0]
            assert lock_holders(tmp_path / "all", offset(OTHER) + 1) == []
    finally:
        os.write(go_on[1], b"x")
        os.waitpid(child, 0)
    assert lock_holders(tmp_path / "gone") == []


def test_all_artifacts_are_locked_in_one_file_that_stays(tmp_path: Path) -> None:
    """Of files made and removed for each, ext4 takes longer to make the next ones."""
    with byte_lock(tmp_path):
        made = (tmp_path / "all").stat().st_ino
    with byte_lock(tmp_path, OTHER):
        assert [path.name for path in tmp_path.iterdir()] == ["all"]
    assert (tmp_path / "all").stat().st_ino == made


def test_a_child_that_was_forked_meanwhile_does_not_keep_the_lock(tmp_path: Path) -> None:
    waiting, done = os.pipe()
    with byte_lock(tmp_path):
        child = os.fork()
        if child == 0:
            os.close(done)
            os.read(waiting, 1)
            os._exit(0)
    try:
        with byte_lock(tmp_path, timeout=0.1):
            pass
    finally:
        os.close(done)
        os.close(waiting)
        os.waitpid(child, 0)


@pytest.mark.usefixtures("sandbox")
def test_a_range_that_a_stopped_process_holds_is_fetched_all_the_same(tmp_path: Path) -> None:
    """Whoever read the same file waited for it without end and without a word."""
    (tmp_path / "file").touch()
    with (tmp_path / "file").open("r+b") as one, (tmp_path / "file").open("r+b") as other:
        with (
            courteous_range(one.fileno(), 0, 10, patience=60),
            courteous_range(other.fileno(), 5, 10, patience=0.1),
            courteous_range(other.fileno(), 20, 10, patience=60),
        ):
            pass
        with courteous_range(other.fileno(), 0, 10, patience=60):
            pass


def test_who_waits_for_a_moment_says_nothing(tmp_path: Path) -> None:
    """Of two that fetch the same thousand small files, each waits for dozens, and not for long."""
    said: list[None] = []
    holder = byte_lock(tmp_path)
    wait = Wait(60, doing="reading", remedy="End it.", on_wait=lambda: said.append(None))
    holder.__enter__()
    threading.Timer(0.1, holder.__exit__, (None, None, None)).start()
    with exclusive_byte(ConfinedTree(tmp_path), "all", ONE, wait):
        assert said == []


def test_a_reader_does_not_wait_without_end_for_a_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a process that was stopped within it; and other artifacts are read meanwhile."""
    monkeypatch.setattr("pe_dvc.store.leases.REMOVAL_TIMEOUT", 0.1)
    readers, pruner = (Leases(ConfinedTree(tmp_path), "leases") for _ in range(2))
    with pruner.unless_held(ONE) as free:
        assert free
        with pytest.raises(StoreUnavailableError, match=f"removing {ONE} from the cache") as caught:
            readers.hold(ONE)
        readers.hold(OTHER)
    assert f": process {os.getpid()} (" in caught.value.message
    readers.hold(ONE)
    with pruner.unless_held(ONE) as free:
        assert not free
