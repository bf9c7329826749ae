"""What the bucket keeps: garbage collection of a data repo, from git's history and the bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.git.history import GitHistory
from pe_dvc.documents.dvc_files import records_hashes
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.usecases.retention.bucket_lock import collecting
from pe_dvc.usecases.retention.gc import Plan, Swept, plan_gc, sweep
from pe_dvc.usecases.retention.reachability import Bucket, names_data, reach_of

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.retention.reachability import Reach

GRACE = timedelta(days=14)
"""How young an unreachable object may be and still stay: somebody may be about to publish it."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """A plan, and what was done of it: None for a dry run."""

    store: str
    refs: int
    plan: Plan
    swept: Swept | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        swept = self.swept
        return {
            "store": self.store,
            "refs": self.refs,
            "plan": self.plan.to_json(),
            "removed": swept.removed if swept else None,
            "removed_bytes": swept.removed_bytes if swept else None,
            "spared": swept.spared if swept else [],
        }


def gc(
    repo: DataRepo,
    *,
    store: str | None = None,
    apply: bool = False,
    tips: bool = False,
    grace: timedelta = GRACE,
) -> Collected:
    """Plan the removal of what nothing reaches from the store, and with ``apply`` do it.

    What is younger than ``grace`` stays.

    Reached is what any commit of any ref names, here and at the git remotes (with ``tips``: the
    commits that refs name, not their ancestors), any version of a channel, any release. Raises
    ReleaseError for a clone that does not know all of that, ConflictError while somebody
    publishes or if a ref moved meanwhile, FormatError and VerificationError for a damaged bucket.
    """
    bucket = repo.open_store(store)
    if not apply:
        roots, plan = _plan(repo, bucket, tips, grace)
        return Collected(store=bucket.url, refs=len(roots), plan=plan, swept=None)
    with collecting(bucket, repo.country):
        roots, plan = _plan(repo, bucket, tips, grace)
        if plan.doomed and GitHistory(repo.root).roots() != roots:
            raise ConflictError("a git ref moved meanwhile", remedy="Fetch, and run it again.")
        return Collected(
            store=bucket.url, refs=len(roots), plan=plan, swept=sweep(bucket, repo.country, plan)
        )


def reach_of_git(repo: DataRepo, roots: dict[str, str], *, tips: bool = False) -> Reach:
    """Return every hash that git's history names, from ``roots`` on."""
    return reach_of(GitHistory(repo.root).blobs(sorted(roots.items()), names_data, tips=tips))


def _plan(
    repo: DataRepo, store: Store, tips: bool, grace: timedelta
) -> tuple[dict[str, str], Plan]:
    history = GitHistory(repo.root)
    history.check_complete(lambda path: _is_ours(repo, path))
    # The bucket is listed first: what is published after that is in no plan.
    bucket = Bucket.read(store, repo.country)
    roots = history.roots()
    reach = reach_of_git(repo, roots, tips=tips)
    return roots, plan_gc(bucket, reach, now=datetime.now(UTC), grace=grace)


def _is_ours(repo: DataRepo, path: str) -> bool:
    """Tell whether a file, by its path in git, names data that must be kept."""
    folders = (repo.settings.manifests, repo.settings.channels)
    inside = any(f"/{folder}/" in f"/{path}" for folder in folders)
    return records_hashes(path) or inside
