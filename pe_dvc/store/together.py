"""Questions to a store that do not need each other's answers, asked in the time of one."""

from __future__ import annotations

from threading import Thread, main_thread
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pe_dvc.primitives.cancellation import INTERRUPT_POLL, CancelScope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.store.port import ObjectSource

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

NEAR = {""}
"""Schemes of stores that answer at once, so that no thread is begun: a directory has none."""


@overload
def together(
    store: ObjectSource, one: Callable[[], A], other: Callable[[], B], /
) -> tuple[A, B]: ...
@overload
def together(
    store: ObjectSource, one: Callable[[], A], other: Callable[[], B], third: Callable[[], C], /
) -> tuple[A, B, C]: ...
@overload
def together(store: ObjectSource, *calls: Callable[[], Any]) -> tuple[Any, ...]: ...
def together(store: ObjectSource, *calls: Callable[[], Any]) -> Any:
    """Return what each of ``calls`` gives, in their order; all of them are made, side by side.

    They are few. The failure of the first that failed is raised, in that order, once all have
    ended. Of a store that is ``NEAR`` they are made one after another, by this thread.
    """
    scheme, separator, _ = store.url.partition("://")
    if len(calls) < 2 or (scheme if separator else "") in NEAR:
        return tuple([call() for call in calls])
    return _side_by_side(calls)


def _side_by_side(calls: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
    answers: list[Any] = [None] * len(calls)
    failures: dict[int, BaseException] = {}

    def ask(number: int) -> None:
        try:
            answers[number] = calls[number]()
        except BaseException as error:  # noqa: BLE001 - raised below
            failures[number] = error

    # No pool: who reads what is in the cache does not load one.
    threads: list[Thread] = []
    try:
        with CancelScope() as scope:
            for number in range(1, len(calls)):
                thread = Thread(target=scope.wrap(ask), args=(number,), name="pe-dvc-ask")
                try:
                    thread.start()
                except RuntimeError:
                    if main_thread().is_alive():
                        raise
                    ask(number)  # a program that is about to end starts no more threads
                else:
                    threads.append(thread)
            answers[0] = calls[0]()
            for thread in threads:
                while thread.is_alive():
                    thread.join(INTERRUPT_POLL)
    finally:
        for thread in threads:
            thread.join()
    if failures:
        raise failures[min(failures)]
    return tuple(answers)
