"""Removing many objects where a request removes one: each is tried, and what remains is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotDeletedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.primitives.errors import StoreError

_AT_ONCE = 16


def delete_each(keys: Sequence[str], delete: Callable[[str], StoreError | None]) -> None:
    """Remove objects by ``delete``, which returns what failed. Raises as ``Store.delete``."""
    if len(keys) <= 1:  # no threads: a note is removed while a process ends, too
        for error in filter(None, map(delete, keys)):
            raise error
        return
    from pe_dvc.primitives.pools import Pool

    with Pool(_AT_ONCE) as pool:
        outcomes = zip(keys, pool.map(delete, keys), strict=True)
        failures = {key: error for key, error in outcomes if error is not None}
    if failures:
        raise NotDeletedError(failures, of=len(keys))
