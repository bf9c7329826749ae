"""How often one who asks a store waits for it: rounds of requests, one after the other.

What is asked side by side is asked one after another here, by a clock that tells no time but how
many answers were waited for: each takes one round, and of those side by side the longest counts.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from pe_dvc.store import together
from pe_dvc.usecases import parallel
from tests.support.stores import Result, WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pytest

    from pe_dvc.store.port import Store


class CountedRounds(WrappedStore):
    """Counts requests in ``log``, and the ``rounds`` that they take."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.rounds = 0
        self.log: list[tuple[int, str, str]] = []
        """Of each request its round, the operation and the key."""

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        self.rounds += 1
        self.log.append((self.rounds, operation, key))
        return work()

    def __repr__(self) -> str:
        return "\n".join(f"{number} {operation} {key}" for number, operation, key in self.log)

    @contextmanager
    def counting(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Within, what is asked side by side is one round."""

        def side_by_side(calls: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
            found, begin, end = [], self.rounds, self.rounds
            for call in calls:
                self.rounds = begin
                found.append(call())
                end = max(end, self.rounds)
            self.rounds = end
            return tuple(found)

        def run(pool: object, call: Callable[[Any], Any], items: Sequence[Any], _: object) -> Any:
            return [*side_by_side([partial(call, item) for item in items])]

        with monkeypatch.context() as patched:
            patched.setattr(together, "_side_by_side", side_by_side)
            patched.setattr(parallel, "_run", run)
            yield
