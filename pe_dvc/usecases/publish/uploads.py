"""Upload payloads, many at once, in a bounded part of memory."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.turns import blocking_wait
from pe_dvc.store.port import UPLOAD_MEMORY
from pe_dvc.usecases.parallel import transfer_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from pe_dvc.store.port import Progress, Store
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.publish.cache_objects import CacheObject

MEMORY = 2 * UPLOAD_MEMORY
"""Bytes that all uploads may hold at once: a push of many large files sends two side by side."""


def upload_all(
    store: Store,
    country: str,
    payloads: Sequence[CacheObject],
    reporter: Reporter,
    pool: Executor,
) -> int:
    """Upload payloads, lists of directories last; return their bytes. Raises as Store.upload."""
    sizes = {payload.md5: payload.path.stat().st_size for payload in payloads}
    memory = MemoryBudget(MEMORY)
    with reporter.task(f"push {len(payloads)} objects", sum(sizes.values())) as progress:

        def put(payload: CacheObject) -> None:
            with memory.holding(min(sizes[payload.md5], UPLOAD_MEMORY)):
                _put(store, country, progress, payload)

        for listings in (False, True):
            transfer_all(pool, put, [one for one in payloads if one.is_listing is listings])
    return sum(sizes.values())


def _put(store: Store, country: str, progress: Progress, payload: CacheObject) -> None:
    key = payload_key(country, payload.md5)
    if payload.sha256 is None:
        payload.check_md5()
    store.upload(key, payload.path, sha256=payload.sha256, progress=progress)


class MemoryBudget:
    """``total`` bytes that threads take parts of. Safe for threads."""

    def __init__(self, total: int) -> None:
        self._left, self._changed = total, threading.Condition()
        self._failure: BaseException | None = None

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Wait until ``size`` bytes, at most the total, are left, and hold them within.

        Once something was raised within, by any thread, those that wait raise it, too.
        """
        with blocking_wait(), self._changed:
            self._changed.wait_for(lambda: self._failure or self._left >= size)
            if self._failure is not None:
                raise self._failure
            self._left -= size
        try:
            yield
        except BaseException as error:
            self._failure = error
            raise
        finally:
            with self._changed:
                self._left += size
                self._changed.notify_all()
