"""What a check of a bucket finds once it is known what is withdrawn.

What was withdrawn is to be gone: then it is not missing. What is left of it is a fault, and so is
a tombstone that lacks, or that says otherwise than the signed role. ADR 0008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import tombstone_key
from pe_dvc.usecases.retention.findings import Finding
from pe_dvc.usecases.revoke.inventory import Inventory
from pe_dvc.usecases.revoke.removal import says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.usecases.retention.findings import Report
    from pe_dvc.usecases.retention.reachability import Bucket
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn

_GONE = "it is withdrawn"
_LATER = "it is withdrawn in git, and goes with the next pe-dvc push"
_LIST = "it is withdrawn; what it lists may be there, too, in old versions"


def judge_withdrawn(
    report: Report, bucket: Bucket, withdrawn: Withdrawn, published: Withdrawn
) -> None:
    """Change the findings of a report by what is ``withdrawn``. Raises StoreError.

    The bucket can have tombstones of what is ``published`` only: git may say more, or in other
    words, until the next push.
    """
    if not (withdrawn.artifacts or withdrawn.inputs):
        return
    inventory = Inventory(bucket)
    plan, due = inventory.plan(withdrawn), inventory.plan(published).gone
    gone, lists_done = plan.gone, plan.finished_lists()
    marked = {tombstone_key(bucket.country, sha256) for sha256 in withdrawn.artifacts}
    found = [one for one in report.findings if one.key not in gone.keys() | marked]
    found += [
        Finding(
            fault="not removed",
            key=key,
            what=what,
            detail=_LATER if key not in due else _LIST if key in plan.lists else _GONE,
        )
        for key, what in gone.items()
        if key in bucket.objects and (key in plan.files or key in lists_done)
    ]
    found += [
        Finding(fault="not removed", key=key, what="withdrawn", detail=why)
        for key, why in plan.unsure.items()
    ]
    for sha256, revocation in withdrawn.artifacts.items():
        found += _tombstone(bucket, revocation, published.artifacts.get(sha256))
    report.findings = sorted(found, key=lambda finding: (finding.is_harmless, finding.key))


def _tombstone(bucket: Bucket, ours: Revocation, published: Revocation | None) -> Iterator[Finding]:
    key = tombstone_key(bucket.country, ours.sha256)
    signed = [one for one in (published, ours) if one is not None]
    if key in bucket.objects:
        if not any(says(bucket.store, key, one) for one in signed):
            detail = "the tombstone says otherwise than the signed role"
            yield Finding(fault="forged", key=key, what=ours.what, detail=detail)
    elif published is not None:
        detail = "it is withdrawn, and nothing in the bucket says so"
        yield Finding(fault="no tombstone", key=key, what=ours.what, detail=detail)
