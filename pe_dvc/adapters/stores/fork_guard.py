"""Forked processes: obstore would wait for its threads, which a fork does not copy."""

from __future__ import annotations

import os

from pe_dvc.primitives.errors import StoreUnavailableError

_used_by: int | None = None
"""The process that has obstore's threads, once there are any."""


def refuse_fork(operation: str, key: str) -> None:
    """Raise StoreUnavailableError in a process forked from one that has used a bucket."""
    global _used_by
    _used_by = _used_by or os.getpid()
    if _used_by != os.getpid():
        raise StoreUnavailableError(
            f"cannot {operation} {key}: this process was forked from one that has used a bucket",
            operation=operation,
            key=key,
            remedy="Start workers by 'spawn' or 'forkserver' (multiprocessing.get_context), or "
            "read before you fork.",
        )
