"""Turns of threads: one at a time, unless it waits for a server, and never for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives import turns
from pe_dvc.primitives.turns import blocking_wait, taking_turns
from pe_dvc.usecases.parallel import transfer_all

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS, ROUNDS, LONG = 8, 50, 60.0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no thread go on without its turn, or the test would take a minute."""
    monkeypatch.setattr(turns, "PATIENCE", LONG)


@pytest.mark.usefixtures("patient")
def test_one_works_while_the_others_wait_for_their_servers() -> None:
    working, waiting = [0], threading.Barrier(THREADS, timeout=LONG)
    most = 0

    def move(_: int) -> None:
        nonlocal most
        for _ in range(ROUNDS):
            working[0] += 1
            most = max(most, working[0])
            threading.Event().wait(0.0001)  # lets go of Python, as a system call does
            working[0] -= 1
            # The second within the first, as in a store that asks another.
            with blocking_wait(), blocking_wait():
                waiting.wait()  # none would come back from here if another kept its turn

    with ThreadPoolExecutor(THREADS) as pool:
        transfer_all(pool, move, range(THREADS))
    assert most == 1


def test_one_that_waits_for_another_without_being_away_stops_neither() -> None:
    """As where a thread holds a lock while its server answers, and another wants that lock."""
    shared, held, wanted = Lock(), Lock(), threading.Event()

    def holder() -> None:
        with taking_turns(shared), held, blocking_wait():
            wanted.wait(LONG)

    def other() -> None:
        with taking_turns(shared):
            wanted.set()
            assert held.acquire(timeout=LONG)
            held.release()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda work: work(), [holder, other]))
    assert not shared.locked()


@pytest.mark.usefixtures("patient")
def test_what_a_thread_left_open_gives_no_turn_to_another() -> None:
    shared = Lock()

    def blocks() -> Iterator[int]:
        with blocking_wait():
            yield 1
            yield 2

    with ThreadPoolExecutor(1) as pool:

        def begin() -> Iterator[int]:
            begun = blocks()
            with taking_turns(shared):
                next(begun)
            return begun

        begun = pool.submit(begin).result()
    assert list(begun) == [2]
    assert not shared.locked()
    with blocking_wait():
        assert not shared.locked()


@pytest.mark.usefixtures("patient")
def test_a_failure_gives_the_turn_back() -> None:
    shared = Lock()
    with pytest.raises(ValueError, match="x"), taking_turns(shared), blocking_wait():
        raise ValueError("x")
    assert not shared.locked()
