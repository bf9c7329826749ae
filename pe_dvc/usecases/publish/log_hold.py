"""A bucket's log is held to what git saw of it, before anything is written to the bucket.

A bucket that was lost, restored from an old copy or rewritten by a thief would be continued from
what it shows; every reader who saw the log before would then be refused. ADR 0039.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import log_name
from pe_dvc.primitives.errors import RollbackError, VerificationError
from pe_dvc.trust.channel_log import StoredLog, signed_state
from pe_dvc.trust.log_chain import all_entries, root_of
from pe_dvc.trust.log_tree import ProvenTree
from pe_dvc.usecases.publish.log_base import find_base

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.log_memory import ShownLog
    from pe_dvc.trust.stored_metadata import Head

NEW_LOG = (
    "run pe-dvc channel recover --new-log with the offline root keys, commit channels/, and push "
    "again: readers follow the new root (docs/runbook-keys.md of pe_dvc, A new log)."
)


def hold_log(bucket: ReadableChannels, head: Head, seen: Sequence[ShownLog]) -> None:
    """Refuse a bucket whose log does not continue what was ``seen`` of it.

    Of an earlier log than the one of today's root nothing is asked. Nothing is read where ``head``
    shows the very tree. Raises RollbackError for a log that is gone or shorter, VerificationError
    for one that is another, and StoreError.
    """
    country, where = bucket.country, bucket.where("root", bucket.root.version)
    number = log_name(bucket.root.unrecognized_fields, country, where=where).number
    held = [one for one in seen if one.tree.number == number]
    if not held:
        return
    stored = StoredLog(bucket.store, country, number)
    state = _state(bucket, head, stored)
    for one in sorted(held, key=lambda one: -one.tree.size):
        if state is None or state.size < one.tree.size:
            raise _shorter(bucket, one, state)
        if _root_of(bucket, stored, state, one.tree.size) != one.tree.root:
            raise _other(bucket, one, state)


def _state(bucket: ReadableChannels, head: Head, stored: StoredLog) -> LogState | None:
    """Return the tree that a publication would continue, None for none."""
    state = signed_state(bucket, "snapshot", head.snapshot)
    if state is not None and state.number == stored.number and state.after is not None:
        return state
    return find_base(bucket, stored, head.snapshot, head).state


def _root_of(bucket: ReadableChannels, stored: StoredLog, state: LogState, size: int) -> bytes:
    """Return the root of the first entries, by the tiles, or by all entries where they are lost."""
    if size == state.size:
        return state.root
    try:
        return ProvenTree(state, stored, []).root_of(size)
    except VerificationError:  # tiles that are missing or altered are written again
        return root_of(all_entries(bucket, stored, state)[:size])


def _shorter(bucket: ReadableChannels, seen: ShownLog, state: LogState | None) -> RollbackError:
    shown = "shows none" if state is None else f"shows one of {state.size} entries"
    return RollbackError(
        f"git saw a log of {bucket.country} with {seen.tree.size} entries ({seen.place}), and "
        f"{bucket.store.url} {shown}: the bucket was lost, or replaced by an older copy",
        remedy="Nothing was changed: everyone who has read that log would be refused. Bring the "
        "bucket back from a mirror that is not behind (pe-dvc mirror restore NAME), or put back "
        f"what is newer below channels/{bucket.country}/ from a copy; then push again. Only where "
        f"there is none, {NEW_LOG}",
    )


def _other(bucket: ReadableChannels, seen: ShownLog, state: LogState) -> VerificationError:
    size = seen.tree.size
    return VerificationError(
        f"{bucket.store.url} shows a log of {bucket.country} with {state.size} entries, of which "
        f"the first {size} are not those that git saw ({seen.place}): holders of the keys of "
        "snapshot and timestamp have rewritten what was published",
        remedy="Nothing was changed: everyone who has read the log before would be refused. Keep a "
        f"copy of channels/{bucket.country}/ of the bucket: with that file of git it is the proof. "
        f"If none of you rewrote the bucket, the keys were stolen: {NEW_LOG}",
    )
