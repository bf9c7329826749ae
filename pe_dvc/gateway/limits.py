"""How often someone may ask: a bucket of tokens for each, of bounded number."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 10_000
"""Of whom is remembered; then who asked longest ago is forgotten."""


class Rate:
    """``burst`` requests at once, and ``per_second`` from then on, for each who asks."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float]) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, who: str) -> float:
        """Return after how many seconds ``who`` may ask; 0 is now."""
        left = self._now_left(who)
        return 0.0 if left >= 1 else (1 - left) / self._per_second

    def take(self, who: str) -> None:
        """Count a request."""
        self._left[who] = (self._now_left(who) - 1, self._clock())
        self._left.move_to_end(who)
        if len(self._left) > MOST:
            self._left.popitem(last=False)

    def _now_left(self, who: str) -> float:
        left, then = self._left.get(who, (self._burst, self._clock()))
        return min(self._burst, left + (self._clock() - then) * self._per_second)
