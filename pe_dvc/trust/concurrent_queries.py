"""Asking several stores at once, without waiting for those that do not answer."""

from __future__ import annotations

import math
import queue
import time
from typing import TYPE_CHECKING, TypeVar

from pe_dvc.primitives.pools import begin_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = TypeVar("P")
A = TypeVar("A")


def ask_all(
    places: Sequence[P],
    ask: Callable[[P], A],
    *,
    grace: float,
    is_enough: Callable[[A], bool],
    limit: float | None = None,
    is_waited_for: Callable[[P], bool] = lambda place: True,
) -> dict[int, A | BaseException]:
    """Return what ``ask`` gives or raises for each place, by its number.

    From the first answer that is enough on, ``grace`` seconds are left to the others, and none to
    those that are not waited for; ``limit`` seconds are the most in all. Those that are too late
    have no answer.
    """
    answers: queue.Queue[tuple[int, A | BaseException]] = queue.Queue()

    def work(number: int, place: P) -> None:
        try:
            answers.put((number, ask(place)))
        except BaseException as error:  # noqa: BLE001 - a panic in Rust, too: who waits must hear
            answers.put((number, error))

    # Threads that are not waited for at the end: a pool's would hold the process up.
    for number, place in enumerate(places):
        begin_aside(work, number, place)
    found: dict[int, A | BaseException] = {}
    awaited = {number for number, place in enumerate(places) if is_waited_for(place)}
    end = None if limit is None else time.monotonic() + limit
    answered = False
    while len(found) < len(places):
        if answered and end is not None and awaited <= found.keys():
            end = min(end, time.monotonic())
        try:
            left = None if end is None else max(0.0, end - time.monotonic())
            number, answer = answers.get(timeout=left) if left != 0 else answers.get_nowait()
        except queue.Empty:
            break
        found[number] = answer
        if not answered and not isinstance(answer, BaseException) and is_enough(answer):
            answered = True
            end = min(time.monotonic() + grace, end or math.inf)
    return found


def within(seconds: float, ask: Callable[[], A]) -> A:
    """Return what ``ask`` gives, or raise what it raises, in this time; else raise TimeoutError.

    For servers that send a little again and again, which no time-out of a socket ends. What takes
    too long is left to itself.
    """

    def call(one: Callable[[], A]) -> A:
        return one()

    found = ask_all([ask], call, grace=0, is_enough=lambda _: True, limit=max(seconds, 0.001))
    if not found:
        raise TimeoutError
    answer: A | BaseException = found[0]
    if isinstance(answer, BaseException):
        raise answer
    return answer
