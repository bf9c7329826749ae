"""What was withdrawn leaves a mirror, where anything of it is there.

Removal keeps publishers out, and other syncs. Where nothing is to go it is not begun, so that two
syncs at once, or one beside a publisher, do not stop each other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.usecases.mirror.wanted import objects_of
from pe_dvc.usecases.retention.reachability import Bucket
from pe_dvc.usecases.revoke.removal import Removal, is_pending, remove_withdrawn

if TYPE_CHECKING:
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn


def withdraw(mirror: Store, country: str, withdrawn: Withdrawn, *, keeps_old: bool) -> Removal:
    """Write tombstones and remove what the role withdraws, if anything of it is in the mirror.

    A bucket that ``keeps_old`` versions does not tell whether some are left: there it is tried.
    Raises StoreError.
    """
    if not withdrawn.version:
        return Removal()
    is_there = _is_there(mirror, country, withdrawn)
    has_entries = bool(withdrawn.artifacts or withdrawn.inputs)
    if not (is_there or (keeps_old and has_entries)):
        return Removal()
    removal = remove_withdrawn(mirror, country, withdrawn, patient=is_there)
    if removal.postponed and not _is_there(mirror, country, withdrawn):
        return replace(removal, postponed=None)  # another sync removed it
    return removal


def _is_there(mirror: Store, country: str, withdrawn: Withdrawn) -> bool:
    """Tell whether anything is to go, or a tombstone lacks or is forged."""
    bucket = Bucket(mirror, country, objects=objects_of(mirror, country), channels={})
    if bucket.of_kind("tombstone").keys() != withdrawn.artifacts.keys():
        return True
    return is_pending(mirror, country, withdrawn)
