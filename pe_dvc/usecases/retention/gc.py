"""Garbage collection: remove from the bucket what nothing names any more, and nothing else.

Whatever cannot be known (a ref that cannot be read, a manifest that is damaged) is an error: then
nothing is removed. ADR 0009.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import PAYLOADS, Kind, country_prefix, parse_key

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.store.port import ObjectInfo, Store
    from pe_dvc.usecases.retention.reachability import Bucket, Reach

# In the order of removal: what points before what it points to, so that a sweep which is cut
# off leaves nothing that promises bytes which are gone.
ORDER: tuple[Kind, ...] = ("manifest", "chunks", "listing", "payload")


@dataclass(frozen=True, kw_only=True)
class Doomed:
    """An object that nothing names; ``what`` is the dataset or hash that it was."""

    kind: Kind
    what: str
    info: ObjectInfo

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        modified = self.info.modified
        return {
            "key": self.info.key,
            "kind": self.kind,
            "what": self.what,
            "size": self.info.size,
            "modified": modified.isoformat() if modified else None,
        }


@dataclass(kw_only=True)
class Plan:
    """What a sweep would remove, and counts of what stays; sizes are in bytes.

    ``young`` objects stay for their age alone. ``other`` objects are of no kind that is ever
    removed: channels, releases, tombstones, what pe_dvc does not know.
    """

    doomed: list[Doomed] = field(default_factory=list)
    reachable: int = 0
    reachable_bytes: int = 0
    young: int = 0
    young_bytes: int = 0
    other: int = 0

    @property
    def doomed_bytes(self) -> int:
        """Bytes that a sweep would free."""
        return sum(doomed.info.size for doomed in self.doomed)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "remove": [doomed.to_json() for doomed in self.doomed],
            "remove_bytes": self.doomed_bytes,
            "reachable": self.reachable,
            "reachable_bytes": self.reachable_bytes,
            "young": self.young,
            "young_bytes": self.young_bytes,
            "other": self.other,
        }


@dataclass(kw_only=True)
class Swept:
    """What a sweep did. ``spared`` are keys of objects that were written anew meanwhile."""

    removed: int = 0
    removed_bytes: int = 0
    spared: list[str] = field(default_factory=list)


def plan_gc(bucket: Bucket, reach: Reach, *, now: datetime, grace: timedelta) -> Plan:
    """Return what nothing reaches: neither ``reach``, which is git's, nor what is published.

    Objects younger than ``grace`` stay, and so does all that they name. ``reach`` is extended.
    Raises FormatError or VerificationError where the bucket is damaged.
    """
    manifests = bucket.manifests()
    bucket.add_published(reach, manifests)
    young = {key for key, info in bucket.objects.items() if _is_young(info, now, grace)}
    for parsed in filter(None, map(parse_key, young)):
        if parsed.kind in PAYLOADS:
            reach.md5s.add(parsed.digest)
        elif parsed.kind == "manifest":
            reach.sha256s.add(parsed.digest)
    described = {sha256: manifest for sha256, (manifest, _) in manifests.items()}
    _keep_whole(reach, described)
    bucket.add_contents(reach)
    _keep_whole(reach, described)
    plan, names = Plan(), _names(described)
    for key, info in bucket.objects.items():
        _sort(plan, key, info, reach, names, is_young=key in young)
    plan.doomed.sort(key=lambda doomed: (ORDER.index(doomed.kind), doomed.info.key))
    return plan


def sweep(store: Store, country: str, plan: Plan) -> Swept:
    """Remove what the plan says, but for objects that are no longer as they were planned.

    Raises StoreError; what was removed by then stays removed, and the rest can be planned again.
    """
    done = Swept()
    for kind in ORDER:
        doomed = [one.info for one in plan.doomed if one.kind == kind]
        # Listed again and not asked for one by one: some stores tell less of an object in a list
        # than alone, and what is compared must be told in the same way.
        now = {info.key: info for info in store.list(country_prefix(country))} if doomed else {}
        going = [info for info in doomed if _is_unchanged(info, now.get(info.key))]
        store.delete([info.key for info in going])
        done.removed += len(going)
        done.removed_bytes += sum(info.size for info in going)
        gone = {info.key for info in going}
        done.spared += [info.key for info in doomed if info.key not in gone]
    return done


def _is_unchanged(planned: ObjectInfo, now: ObjectInfo | None) -> bool:
    # The same bytes written again have the same etag in S3: somebody counts on them since.
    return now is not None and (now.etag, now.modified) == (planned.etag, planned.modified)


def _is_young(info: ObjectInfo, now: datetime, grace: timedelta) -> bool:
    # A store that does not tell an object's age gives no ground to call it old.
    return info.modified is None or now - info.modified < grace


def _keep_whole(reach: Reach, described: dict[str, Manifest]) -> None:
    """Let an artifact be kept as a whole: its manifest for its payload, and the other way round."""
    for sha256, manifest in described.items():
        md5 = manifest.artifact.dvc.md5
        if sha256 in reach.sha256s or md5 in reach.md5s:
            reach.sha256s.add(sha256)
            reach.md5s.add(md5)


def _names(described: dict[str, Manifest]) -> dict[str, str]:
    """Return datasets' names by the hashes, of either kind, of their artifacts."""
    by_md5 = {m.artifact.dvc.md5: m.artifact.name for m in described.values()}
    return by_md5 | {sha256: m.artifact.name for sha256, m in described.items()}


def _sort(
    plan: Plan, key: str, info: ObjectInfo, reach: Reach, names: dict[str, str], *, is_young: bool
) -> None:
    parsed = parse_key(key)
    if parsed is None or parsed.kind not in ORDER:
        plan.other += 1
    elif is_young:
        plan.young += 1
        plan.young_bytes += info.size
    else:
        kind, name = parsed
        if name in (reach.md5s if kind in PAYLOADS else reach.sha256s):
            plan.reachable += 1
            plan.reachable_bytes += info.size
        else:
            plan.doomed.append(Doomed(kind=kind, what=names.get(name, name[:12]), info=info))
