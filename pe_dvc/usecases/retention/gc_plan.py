"""Which objects of a bucket nothing refers to. Decides only, and removes nothing. ADR 0009."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dvc_hash import bare_md5
from pe_dvc.documents.keys import PAYLOADS, Kind, parse_key, payload_key
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.result import json_time

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.store.port import ObjectInfo
    from pe_dvc.usecases.retention.reachability import Bucket, Reach

# In the order of removal: what points before what it points to, so that a sweep which is cut
# off leaves nothing that promises bytes which are gone.
ORDER: tuple[Kind, ...] = ("manifest", "chunks", "members", "sidecar", "listing", "payload")


@dataclass(frozen=True, kw_only=True)
class Unreachable:
    """An object that nothing refers to; ``what`` is the dataset or hash that it was.

    ``needs`` are the keys of what must not be gone while it is there.
    """

    kind: Kind
    what: str
    info: ObjectInfo
    needs: frozenset[str] = frozenset()
    copies: int | None = None
    """How many verified copies remain in mirrors, where a number of them is asked for."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        modified = self.info.modified
        return {
            "key": self.info.key,
            "kind": self.kind,
            "what": self.what,
            "size": self.info.size,
            "modified": json_time(modified) if modified else None,
            **({} if self.copies is None else {"copies": self.copies}),
        }


@dataclass(frozen=True, kw_only=True)
class Short:
    """An object that stays, as too few ``copies`` of it, or of what needs it, would remain."""

    object: Unreachable
    copies: int


@dataclass(kw_only=True)
class Plan:
    """What a sweep would remove, and counts of what stays; sizes are in bytes.

    ``in_grace`` objects stay for their age, reachable or not. ``other`` objects are of no kind
    that is ever removed: channels, releases, tombstones, what pe_dvc does not know.
    """

    unreachable: list[Unreachable] = field(default_factory=list)
    unknown: list[Unreachable] = field(default_factory=list)
    """Payloads that no manifest and no commit of this clone ever named: perhaps another repo's."""
    short: list[Short] = field(default_factory=list)
    """What stays since too few copies would remain."""
    reachable: int = 0
    reachable_bytes: int = 0
    in_grace: int = 0
    in_grace_bytes: int = 0
    other: int = 0

    @property
    def unreachable_bytes(self) -> int:
        """Bytes that a sweep would free."""
        return sum(one.info.size for one in self.unreachable)

    @property
    def unknown_bytes(self) -> int:
        """Bytes of the unknown payloads."""
        return sum(one.info.size for one in self.unknown)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "remove": [one.to_json() for one in self.unreachable],
            "remove_bytes": self.unreachable_bytes,
            "reachable": self.reachable,
            "reachable_bytes": self.reachable_bytes,
            "young": self.in_grace,
            "young_bytes": self.in_grace_bytes,
            "other": self.other,
            "short": [{"key": one.object.info.key, "copies": one.copies} for one in self.short],
            "unknown": [one.info.key for one in self.unknown],
            "unknown_bytes": self.unknown_bytes,
        }


def plan_gc(
    bucket: Bucket, reach: Reach, *, now: datetime, grace: timedelta, ours: Reach | None = None
) -> Plan:
    """Return what nothing reaches: neither ``reach``, which is git's, nor what is published.

    Objects younger than ``grace`` stay, and so does all that they name. ``ours`` is all that this
    repo ever named, as far as is known; other payloads stay as ``unknown``; with None there are
    none. ``reach`` and ``ours`` are extended.
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
    described = [manifest for found in manifests.values() for manifest, _ in found]
    _keep_whole(reach, described)
    bucket.add_contents(reach)
    _keep_whole(reach, described)
    plan, names = Plan(), _names(described)
    for key, info in bucket.objects.items():
        _sort(plan, key, info, reach, names, is_young=key in young)
    if ours is not None:
        _leave_unknown(plan, bucket, ours, described)
    needs = _needs(bucket.country, described)
    plan.unreachable = [_with_needs(one, needs) for one in plan.unreachable]
    plan.unreachable.sort(key=lambda one: (ORDER.index(one.kind), one.info.key))
    return plan


def _leave_unknown(plan: Plan, bucket: Bucket, ours: Reach, described: list[Manifest]) -> None:
    """Let stay what neither a manifest in the bucket nor ``ours``, with its listings, names."""
    ours.md5s.update(bare_md5(manifest.artifact.dvc.md5) for manifest in described)
    bucket.add_contents(ours)
    known: list[Unreachable] = []
    for one in plan.unreachable:
        parsed = parse_key(one.info.key)
        foreign = parsed is not None and one.kind in PAYLOADS and parsed.digest not in ours.md5s
        (plan.unknown if foreign else known).append(one)
    plan.unreachable = known


def _is_young(info: ObjectInfo, now: datetime, grace: timedelta) -> bool:
    # A store that does not tell an object's age gives no ground to call it old.
    return info.modified is None or now - info.modified < grace


def _keep_whole(reach: Reach, described: list[Manifest]) -> None:
    """Let an artifact be kept as a whole: its manifest for its payload, and the other way round."""
    for manifest in described:
        sha256 = manifest.artifact.sha256
        md5 = bare_md5(manifest.artifact.dvc.md5)
        if sha256 in reach.sha256s or md5 in reach.md5s:
            reach.sha256s.add(sha256)
            reach.md5s.add(md5)


def _names(described: list[Manifest]) -> dict[str, str]:
    """Return datasets' names by the hashes, of either kind, of their artifacts."""
    by_md5 = {bare_md5(m.artifact.dvc.md5): m.artifact.name for m in described}
    return by_md5 | {m.artifact.sha256: m.artifact.name for m in described}


def _needs(country: str, described: list[Manifest]) -> dict[str, frozenset[str]]:
    """Return by artifacts' sha256 the keys of what their manifests promise."""
    needs: dict[str, frozenset[str]] = {}
    for manifest in described:
        artifact = manifest.artifact
        keys = {one.key for one in sidecars_of(manifest)}
        keys.add(payload_key(country, artifact.dvc.md5))
        needs[artifact.sha256] = needs.get(artifact.sha256, frozenset()) | keys
    return needs


def _with_needs(one: Unreachable, needs: dict[str, frozenset[str]]) -> Unreachable:
    parsed = parse_key(one.info.key)
    if parsed is None or one.kind != "manifest" or parsed.digest not in needs:
        return one
    return replace(one, needs=needs[parsed.digest])


def _sort(
    plan: Plan, key: str, info: ObjectInfo, reach: Reach, names: dict[str, str], *, is_young: bool
) -> None:
    parsed = parse_key(key)
    if parsed is None or parsed.kind not in ORDER:
        plan.other += 1
    elif is_young:
        plan.in_grace += 1
        plan.in_grace_bytes += info.size
    else:
        kind, name = parsed
        if name in (reach.md5s if kind in PAYLOADS else reach.sha256s):
            plan.reachable += 1
            plan.reachable_bytes += info.size
        else:
            plan.unreachable.append(
                Unreachable(kind=kind, what=names.get(name, name[:12]), info=info)
            )
