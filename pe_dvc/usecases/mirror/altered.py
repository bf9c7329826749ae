"""Which objects of a mirror are not what they must be: each is read and hashed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.mirror.wanted import Lacking
from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.store.port import Progress, Store
    from pe_dvc.usecases.mirror.wanted import Wanted
    from pe_dvc.usecases.progress import Reporter


def altered_objects(mirror: Store, wanted: Sequence[Wanted], reporter: Reporter) -> list[Lacking]:
    """Read and hash objects, many at once; return those that are altered, or gone meanwhile."""
    total = sum(one.size for one in wanted)
    with (
        reporter.task(f"check {len(wanted)} objects", total) as progress,
        Pool(TRANSFERS) as pool,
    ):
        found = run_all(pool, partial(_check, mirror, progress), wanted)
    return [one for one in found if one is not None]


def _check(mirror: Store, progress: Progress, one: Wanted) -> Lacking | None:
    try:
        actual = object_digest(
            mirror, one.key, one.size, algorithm=one.algorithm, progress=progress
        )
    except (NotFoundError, FormatError) as error:
        return Lacking(key=one.key, what=one.what, detail=error.message)
    if actual == one.digest:
        return None
    detail = f"expected {one.algorithm}:{one.digest}, got {one.algorithm}:{actual}"
    return Lacking(key=one.key, what=one.what, detail=detail)
