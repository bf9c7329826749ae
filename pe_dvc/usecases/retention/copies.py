"""How many copies must remain of what is removed: git-annex's numcopies, over mirrors.

A copy counts if it was read and hashed just now. A mirror that does not answer has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import PAYLOADS, parse_key
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.retention.distinct_mirrors import distinct_mirrors
from pe_dvc.usecases.retention.gc_plan import Short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.store.port import Store
    from pe_dvc.usecases.retention.gc_plan import Plan, Unreachable


@dataclass(frozen=True, kw_only=True)
class Copies:
    """``least`` verified copies of each object of ``country`` must remain in ``mirrors``.

    Each is another place: mirrors that are one place, by two addresses, have one copy.
    """

    least: int
    mirrors: Sequence[Store]
    country: str

    def keep_scarce(self, store: Store, plan: Plan) -> None:
        """Take out of a plan what has fewer copies than that, and what those objects need."""
        if not self.least or not plan.unreachable:
            return
        places = distinct_mirrors(store, self.mirrors, self.country)
        with Pool(TRANSFERS) as pool:
            counts = run_all(pool, partial(_count, store, places), plan.unreachable)
        counted = list(zip(plan.unreachable, counts, strict=True))
        scarce = [one for one, count in counted if count < self.least]
        needed = {key for one in scarce for key in one.needs}
        # Which files are in a directory whose listing stays is not known here.
        all_stay = any(one.kind in ("listing", "members") for one in scarce)
        plan.unreachable = []
        for one, count in counted:
            stays = one.info.key in needed or (all_stay and one.kind == "payload")
            if count < self.least or stays:
                plan.short.append(Short(object=one, copies=count))
            else:
                plan.unreachable.append(replace(one, copies=count))


def _count(store: Store, places: Sequence[Sequence[Store]], one: Unreachable) -> int:
    return sum(any(_holds(mirror, store, one) for mirror in place) for place in places)


def _holds(mirror: Store, store: Store, one: Unreachable) -> bool:
    """Tell whether a mirror has an object of the store, by its bytes."""
    key, size = one.info.key, one.info.size
    parsed = parse_key(key)
    try:
        if mirror.head(key).size != size:
            return False
        if parsed is not None and parsed.kind in PAYLOADS:
            return object_digest(mirror, key, size, algorithm="md5") == parsed.digest
        return object_digest(mirror, key, size) == object_digest(store, key, size)
    except PeDvcError:
        return False
