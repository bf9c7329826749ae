"""A program that is interrupted while it waits for threads does not wait for all they had begun."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.parallel_file import fill_file
from pe_dvc.primitives.cancellation import Cancelled, CancelScope, check_cancelled
from pe_dvc.primitives.digest import Sha256
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.locks import Wait, exclusive, exclusive_byte
from pe_dvc.usecases.parallel import transfer_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

PATIENCE = 60.0
"""Seconds that what is not cancelled would take at least."""


def interrupted(work: Callable[[int], object], begun: threading.Event) -> int:
    """Do two pieces of ``work`` side by side, be interrupted, and return how many stopped."""
    stopped: list[int] = []
    all_begun = threading.Barrier(3)

    def call(number: int) -> None:
        all_begun.wait(PATIENCE)
        try:
            work(number)
        except Cancelled:
            stopped.append(number)
            raise

    def interrupt() -> None:
        all_begun.wait(PATIENCE)
        begun.wait(PATIENCE)
        # As one that comes just before the main thread waits: it does not wake that.
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt), ThreadPoolExecutor(2) as pool:
        transfer_all(pool, call, [0, 1, 2, 3])
    other.join()
    return len(stopped)


def test_ctrl_c_stops_large_files_at_their_next_block(tmp_path: Path) -> None:
    """As of a server that drips: the program ended when the last of eight large files was here."""
    begun, size = threading.Event(), 2**40

    def drip(start: int, length: int) -> Iterator[bytes]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            begun.set()
            yield b"a"
            time.sleep(0.01)
        raise AssertionError("it was not cancelled")

    def fill(number: int) -> None:
        path = tmp_path / f"{number}"
        fill_file(path, size, drip, range_size=4096, in_flight=4, progress=None)

    assert interrupted(fill, begun) == 2


def test_ctrl_c_stops_one_large_file_of_the_main_thread(tmp_path: Path) -> None:
    interrupt = threading.Thread(
        target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    )

    def drip(start: int, length: int) -> Iterator[bytes]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            yield b"a"
            if interrupt.ident is None:
                interrupt.start()
            time.sleep(0.01)
        raise AssertionError("it was not cancelled")

    with pytest.raises(KeyboardInterrupt):
        fill_file(tmp_path / "file", 2**40, drip, range_size=4096, in_flight=1, progress=None)
    interrupt.join()


@pytest.mark.parametrize("kind", ["file", "byte"])
def test_ctrl_c_stops_those_that_wait_for_a_lock(tmp_path: Path, kind: str) -> None:
    """As one that a stopped process holds: the program waited for it for an hour."""
    begun, files, sha256 = threading.Event(), ConfinedTree(tmp_path), Sha256("1" * 64)

    def lock(on_wait: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        wait = Wait(PATIENCE, doing="reading", remedy="End it.", on_wait=on_wait)
        if kind == "file":
            return exclusive(files, "lock", wait)
        return exclusive_byte(files, "lock", sha256, wait)

    def take(_: int) -> None:
        with lock(begun.set):
            raise AssertionError("two at once")

    with lock():
        assert interrupted(take, begun) == 2


def test_a_scope_within_another_is_cancelled_with_it() -> None:
    def inner() -> None:
        with CancelScope() as part:
            part.wrap(check_cancelled)()
            outer.cancel()
            part.wrap(check_cancelled)()

    outer = CancelScope()
    with pytest.raises(Cancelled):
        outer.wrap(inner)()
    check_cancelled()  # this thread is in none


def test_an_error_cancels_nothing() -> None:
    """What is under way when another fails is kept."""

    def fail(scope: CancelScope) -> None:
        with scope:
            raise ValueError

    scope = CancelScope()
    with pytest.raises(ValueError, match=r"^$"):
        fail(scope)
    assert not scope.cancelled
