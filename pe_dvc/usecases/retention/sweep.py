"""Removes what a plan of garbage collection lists, in an order that breaks no promise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import country_prefix
from pe_dvc.primitives.errors import NotDeletedError, StoreError
from pe_dvc.usecases.retention.gc_plan import ORDER

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo, Store
    from pe_dvc.usecases.retention.gc_plan import Plan


@dataclass(kw_only=True)
class Swept:
    """What a sweep did. ``skipped`` are keys of objects that were written again meanwhile.

    ``failures`` is why objects could not be removed, by key. What these need was kept, too.
    """

    removed: int = 0
    removed_bytes: int = 0
    skipped: list[str] = field(default_factory=list)
    failures: dict[str, StoreError] = field(default_factory=dict)


def sweep(store: Store, country: str, plan: Plan) -> Swept:
    """Remove what the plan says, but for objects that are no longer as they were planned.

    Goes on after an object that cannot be removed. Raises StoreError if the store does not answer.
    """
    done, needed = Swept(), set[str]()
    for kind in ORDER:
        planned = {one.info.key: one for one in plan.unreachable if one.kind == kind}
        planned = {key: one for key, one in planned.items() if key not in needed}
        # Listed again and not asked for one by one: some stores tell less of an object in a list
        # than alone, and what is compared must be told in the same way.
        now = {info.key: info for info in store.list(country_prefix(country))} if planned else {}
        unchanged = [key for key, one in planned.items() if _is_unchanged(one.info, now.get(key))]
        failures = _delete(store, unchanged)
        gone = set(unchanged) - set(failures)
        done.removed += len(gone)
        done.removed_bytes += sum(planned[key].info.size for key in gone)
        done.skipped += [key for key in planned if key not in unchanged]
        done.failures |= failures
        needed |= {need for key in failures for need in planned[key].needs}
        if kind == "listing" and failures:
            break  # what is in such a directory is not known here
    return done


def _delete(store: Store, keys: list[str]) -> dict[str, StoreError]:
    """Return the errors of objects that could not be removed."""
    try:
        store.delete(keys)
    except NotDeletedError as error:
        return error.failures
    except StoreError as error:
        return dict.fromkeys(keys, error)
    return {}


def _is_unchanged(planned: ObjectInfo, now: ObjectInfo | None) -> bool:
    # The same bytes written again have the same etag in S3: a publisher counts on them since.
    return now is not None and (now.etag, now.modified) == (planned.etag, planned.modified)
