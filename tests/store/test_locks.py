"""Locks between processes: who waits is told of one that does not end, and not of many in turn."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.locks import exclusive

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

MANY, HELD, TIMEOUT = 30, 0.05, 1.0


def lock(directory: Path, timeout: float = TIMEOUT) -> AbstractContextManager[None]:
    return exclusive(
        ConfinedTree(directory), ".lock", timeout=timeout, doing="reading", remedy="End it."
    )


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
    assert str(tmp_path / ".lock") in caught.value.message
