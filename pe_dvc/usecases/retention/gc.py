"""Garbage collection: remove unreachable objects from the bucket, and nothing else.

Where reachability cannot be known (a ref that cannot be read, a damaged manifest) that is an error,
and nothing is removed. ADR 0009.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.keys import country_prefix
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.usecases.retention.bucket_lock import collecting
from pe_dvc.usecases.retention.gc_plan import Plan, plan_gc
from pe_dvc.usecases.retention.ownership import check_own_bucket
from pe_dvc.usecases.retention.reachability import Bucket, Reach
from pe_dvc.usecases.retention.sweep import Swept, sweep
from pe_dvc.usecases.retention.unfinished import Uploads, find_uploads, remove_uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from pe_dvc.store.port import Store
    from pe_dvc.store.unfinished import UnfinishedUploads
    from pe_dvc.usecases.retention.copies import Copies

GRACE = timedelta(days=14)
"""Default grace period: what is younger stays, since a publisher may be about to refer to it."""


class History(Protocol):
    """All of git's history: of this clone and of its remotes."""

    def check_complete(self) -> None:
        """Raise ReleaseError where this clone does not hold all of it."""

    def roots(self) -> dict[str, str]:
        """Return the commit of each ref."""

    def reach(self, roots: dict[str, str]) -> Reach:
        """Return the hashes that the history from ``roots`` on names."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """A plan, and what was done of it: None for a dry run. ``refs`` counts git's.

    ``versioned`` tells of a bucket that keeps what is removed as an old version: nothing is freed.
    ``withdrawn`` is what was withdrawn and is still there, by key: that is no garbage of git's.
    ``uploads`` are those that were begun before the grace period and not ended.
    """

    store: str
    refs: int
    plan: Plan
    swept: Swept | None
    versioned: bool = False
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    uploads: Uploads = field(default_factory=Uploads)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        swept = self.swept
        return {
            "store": self.store,
            "refs": self.refs,
            "plan": self.plan.to_json(),
            "removed": swept.removed if swept else None,
            "versioned": self.versioned,
            "withdrawn": dict(self.withdrawn),
            "uploads": self.uploads.to_json(),
            "removed_bytes": swept.removed_bytes if swept else None,
            "spared": swept.skipped if swept else [],
            "failures": {key: e.message for key, e in swept.failures.items()} if swept else {},
        }


@dataclass(frozen=True, kw_only=True)
class GarbageCollection:
    """Removes what is unreachable and older than ``grace`` from the bucket of ``country``.

    Reachable is what ``history``, any version of a channel, or any release names; ``foreign`` gives
    the keys of files that are no version of one, ``ours`` all that this repo ever named: with it,
    no other payload is removed; ``copies`` keeps what has too few; ``unfinished`` are the bucket's
    uploads that did not end, of which old ones go as well. ``first_root`` is the repo's root of
    version 1, None in a repo without channels.
    """

    store: Store
    country: str
    history: History
    first_root: bytes | None
    grace: timedelta
    foreign: Callable[[], Collection[str]] = frozenset
    ours: Callable[[], Reach] | None = None
    copies: Copies | None = None
    unfinished: UnfinishedUploads | None = None

    def plan(self, now: datetime) -> Collected:
        """Tell what would be removed at ``now`` (UTC); nothing is written.

        Raises ReleaseError for an incomplete history, ConflictError for another project's bucket,
        FormatError and VerificationError for a damaged bucket.
        """
        check_own_bucket(self.store, self.country, self.first_root)
        roots, planned = self._plan(now)
        uploads = self._old_uploads(now)
        return Collected(
            store=self.store.url, refs=len(roots), plan=planned, swept=None, uploads=uploads
        )

    def collect(self, now: datetime) -> Collected:
        """Remove what is in the plan. Ages are by the store's clock, else by ``now`` (UTC).

        Raises as ``plan``; ConflictError also during a publication, and if a ref moved meanwhile.
        """
        check_own_bucket(self.store, self.country, self.first_root)
        with collecting(self.store, self.country) as here:
            # This machine's clock may be ahead: then what a publisher has just uploaded looks old.
            now = here.modified or now
            roots, planned = self._plan(now)
            if planned.unreachable and self.history.roots() != roots:
                raise ConflictError("a git ref moved meanwhile", remedy="Fetch, and run it again.")
            swept = sweep(self.store, self.country, planned)
            uploads = self._old_uploads(now)
            remove_uploads(self.unfinished, uploads)
        return Collected(
            store=self.store.url,
            refs=len(roots),
            plan=planned,
            swept=swept,
            versioned=here.versioned,
            uploads=uploads,
        )

    def _plan(self, now: datetime) -> tuple[dict[str, str], Plan]:
        """Return the commit of each ref, and what no history from there on names."""
        self.history.check_complete()
        # The bucket is listed first: what is published after that is in no plan.
        bucket = Bucket.read(self.store, self.country, self.foreign())
        roots = self.history.roots()
        reach = self.history.reach(roots)
        ours = self.ours() if self.ours else None
        found = plan_gc(bucket, reach, now=now, grace=self.grace, ours=ours)
        if self.copies is not None:
            self.copies.keep_scarce(self.store, found)
        return roots, found

    def _old_uploads(self, now: datetime) -> Uploads:
        folder = country_prefix(self.country)
        return find_uploads(self.unfinished, folder, now=now, grace=self.grace)
