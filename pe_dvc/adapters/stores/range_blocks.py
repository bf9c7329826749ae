"""The bytes of a range over HTTP, taken up again where an answer breaks off."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from pe_dvc.adapters.stores.retry_policy import pauses
from pe_dvc.primitives.cancellation import check_cancelled
from pe_dvc.primitives.turns import blocking_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pe_dvc.primitives.errors import PeDvcError


class RangeAnswer(Protocol):
    """The answer to a request of a range; ``total`` is the size of the whole object in bytes."""

    total: int

    def blocks(self, length: int) -> Iterator[bytes]:
        """Yield the first ``length`` bytes of the range, fewer where the answer ends."""
        ...


def range_blocks(
    ask: Callable[[int, int], AbstractContextManager[RangeAnswer]],
    start: int,
    length: int,
    unavailable: Callable[[str], PeDvcError],
) -> Iterator[bytes]:
    """Yield ``length`` bytes from ``start``, fewer where the object ends.

    ``ask`` requests a range by its start and length in bytes. Raises what ``ask`` raises, and what
    ``unavailable`` makes of the reason when an answer was cut short once too often.
    """
    from urllib3.exceptions import HTTPError

    end, waits = start + length, pauses()
    while start < end:
        why = "the answer was cut short"
        try:
            with blocking_wait(), ask(start, end - start) as answer:
                end = min(end, answer.total)
                for block in answer.blocks(end - start):
                    check_cancelled()
                    start += len(block)
                    yield block
        except HTTPError as error:
            why = type(error).__name__
        if start < end:
            pause = next(waits)
            if pause is None:
                raise unavailable(why)
            with blocking_wait():
                time.sleep(pause)
