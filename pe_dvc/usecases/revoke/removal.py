"""Removal: tombstones for what the published role withdraws, then its bytes leave the bucket.

A rerun completes it: what the role says is compared with what is there. The manifest stays.
ADR 0008.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import chunks_key, members_key, payload_key, tombstone_key
from pe_dvc.documents.tombstone import TOMBSTONE_LIMIT, Tombstone
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotDeletedError,
    NotFoundError,
    StoreError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.result import Result
from pe_dvc.store.port import head_if_there
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.retention.bucket_lock import collecting, waiting
from pe_dvc.usecases.retention.reachability import Bucket
from pe_dvc.usecases.revoke.inventory import Inventory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.port import ReadableStore, Store
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn


@dataclass(frozen=True, kw_only=True)
class Removal(Result):
    """What left the bucket. ``left`` is why a key is still there, ``kept`` who needs one, by key.

    ``tombstones`` are the keys of those that were written, ``cleared`` of those that no signed
    entry vouches for, and that were removed. ``removed`` are keys that were there and are gone,
    ``removed_bytes`` their size without old versions. ``postponed`` is why nothing was removed yet.
    """

    tombstones: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    removed_bytes: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    postponed: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that should be gone."""
        return not self.left and self.postponed is None


def is_pending(store: Store, country: str, withdrawn: Withdrawn) -> bool:
    """Tell whether a withdrawn artifact lacks its tombstone, or something of it is to go.

    Asks for what goes last: payloads, and the lists of what an artifact was made of. Of old
    versions this says nothing. Raises StoreError.
    """

    artifacts = withdrawn.artifacts
    marks = [tombstone_key(country, sha256) for sha256 in artifacts]
    last = [payload_key(country, md5) for md5 in sorted(withdrawn.md5s)]
    last += [of(country, sha256) for sha256 in artifacts for of in (chunks_key, members_key)]
    there = _there(store, [*marks, *last])
    if not there.issuperset(marks):
        return True
    is_suspect = any(one.dvc_md5 is None for one in artifacts.values())
    if not is_suspect and there.isdisjoint(last):
        return False
    return _is_left(Bucket.read(store, country), withdrawn)


def _there(store: Store, keys: Sequence[str]) -> set[str]:
    """Return those of ``keys`` that are in the bucket: asked at every push, so all at once."""
    with Pool(TRANSFERS) as pool:
        found = run_all(pool, partial(head_if_there, store), keys)
    return {info.key for info in found if info is not None}


def withdrawn_there(store: Store, country: str, withdrawn: Withdrawn) -> dict[str, str]:
    """Return the addresses of withdrawn bytes that are in the bucket, each with what it is of.

    Asks for what the entries name, and not for the files of directories. Raises StoreError.
    """
    entries = (*withdrawn.artifacts.values(), *withdrawn.inputs.values())
    named = {payload_key(country, one.dvc_md5): one.what for one in entries if one.dvc_md5}
    there = _there(store, list(named))
    return {key: what for key, what in named.items() if key in there}


def _is_left(bucket: Bucket, withdrawn: Withdrawn) -> bool:
    """Tell whether anything is to go: lists stay while another artifact keeps a file of theirs."""
    plan = Inventory(bucket).plan(withdrawn)
    going = plan.files.keys() | plan.finished_lists()
    return bool(plan.unsure) or not going.isdisjoint(bucket.objects)


def remove_withdrawn(
    store: Store, country: str, withdrawn: Withdrawn, *, patient: bool = False
) -> Removal:
    """Write the tombstones, then remove what only withdrawn artifacts need, in every version.

    ``withdrawn`` is what readers are shown. No publisher is at work meanwhile; while one is, which
    the ``patient`` wait for a little, nothing is removed. Goes on after an object that cannot be
    removed. Raises StoreError where the bucket does not answer.
    """
    if not withdrawn.version:
        return Removal()
    done = _mark(store, country, withdrawn)
    try:
        turn = partial(collecting, store, country)
        with waiting(turn) if patient else turn():
            return _remove(store, country, withdrawn, done)
    except ConflictError as error:
        return replace(done, postponed=f"{error.message}. {error.remedy or ''}".strip())


def _mark(store: Store, country: str, withdrawn: Withdrawn) -> Removal:
    """Write the tombstones that lack, or that say otherwise than the role.

    One that cannot be written is left, and keeps nothing from going: it decides nothing.
    """

    def mark(revocation: Revocation) -> bool | str:
        key = tombstone_key(country, revocation.sha256)
        tombstone = Tombstone(revocation=revocation, role_version=withdrawn.version)
        try:
            if says(store, key, revocation):
                return False
            store.overwrite(key, tombstone.to_bytes())
        except (StoreError, ConflictError) as error:
            return f"its tombstone cannot be written: {error.message}"
        return True

    with Pool(TRANSFERS) as pool:
        outcomes = run_all(pool, mark, list(withdrawn.artifacts.values()))
    keys = [tombstone_key(country, sha256) for sha256 in withdrawn.artifacts]
    found = dict(zip(keys, outcomes, strict=True))
    return Removal(
        tombstones=tuple(key for key, outcome in found.items() if outcome is True),
        left={key: why for key, why in found.items() if isinstance(why, str)},
    )


def says(store: ReadableStore, key: str, revocation: Revocation) -> bool:
    """Tell whether a tombstone is there and says what the signed entry says."""
    try:
        data, _ = store.read(key, limit=TOMBSTONE_LIMIT)
        return Tombstone.from_bytes(data, where=key).revocation == revocation
    except (NotFoundError, FormatError):
        return False


def _remove(store: Store, country: str, withdrawn: Withdrawn, done: Removal) -> Removal:
    bucket = Bucket.read(store, country)
    plan = Inventory(bucket).plan(withdrawn)
    forged = [
        key for sha, key in bucket.of_kind("tombstone").items() if sha not in withdrawn.artifacts
    ]
    failures = _purge(store, plan.files)
    # A rerun learns from the lists what else there was.
    lists = plan.finished_lists(failures)
    failures |= _purge(store, lists)
    cleared = sorted(set(forged) - _purge(store, forged).keys())
    left = done.left | {key: error.message for key, error in failures.items()} | plan.unsure
    removed = bucket.objects.keys() & (plan.files.keys() | lists) - left.keys()
    return replace(
        done,
        cleared=tuple(cleared),
        removed=tuple(sorted(removed)),
        removed_bytes=sum(bucket.objects[key].size for key in removed),
        kept=plan.kept,
        left=left,
    )


def _purge(store: Store, keys: Iterable[str]) -> dict[str, StoreError]:
    """Remove objects with all their versions; return the errors of those that remain."""
    wanted = list(keys)
    if not wanted:
        return {}
    try:
        store.purge(wanted)
    except NotDeletedError as error:
        return error.failures
    except StoreError as error:
        return dict.fromkeys(wanted, error)
    return {}
