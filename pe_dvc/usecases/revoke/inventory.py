"""Which objects of a bucket are of withdrawn artifacts alone, and which another one needs too.

Decides only, and removes nothing. ADR 0008.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import (
    LISTING_LIMIT,
    MANIFEST_LIMIT,
    chunks_key,
    members_key,
    parse_key,
    payload_key,
)
from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.usecases.retention.listed_members import listed_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pe_dvc.documents.keys import Kind
    from pe_dvc.documents.members import MemberFile
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.usecases.retention.reachability import Bucket
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn

SIDECARS: tuple[Kind, ...] = ("chunks", "members", "sidecar")


@dataclass(kw_only=True)
class Plan:
    """What a removal is to take out of the bucket, whether it is there now or only was.

    ``files`` are keys of payloads, sidecars and files of directories, with the artifact's
    reference. ``kept`` are those that an artifact needs which is not withdrawn: its reference, by
    key. ``unsure`` is why files of directories are left: it cannot be told who needs them.
    """

    files: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    unsure: list[str] = field(default_factory=list)


class Inventory:
    """The artifacts that a bucket describes. What is no manifest is passed over, and counted."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket, self.unreadable = bucket, list[str]()
        self.manifests: dict[Sha256, list[ManifestHead]] = {}
        self.digests: dict[int, Sha256] = {}
        """The sha256 of each manifest itself, by ``id``."""
        for sha256, key in bucket.keys_of("manifest"):
            self._read(Sha256(sha256), key)

    def _read(self, sha256: Sha256, key: str) -> None:
        try:
            data, _ = self._bucket.store.read(key, limit=MANIFEST_LIMIT)
            manifest = ManifestHead.from_bytes(data, where=key)
        except (FormatError, NotFoundError):
            self.unreadable.append(key)
            return
        artifact = manifest.artifact
        if artifact.sha256 != sha256 or artifact.country != self._bucket.country:
            self.unreadable.append(key)
            return
        self.manifests.setdefault(sha256, []).append(manifest)
        self.digests[id(manifest)] = sha256_bytes(data)

    def derived_from(self, digests: Iterable[Sha256]) -> list[ManifestHead]:
        """Return the artifacts that have one of ``digests`` among their raw inputs."""
        wanted = set(digests)
        return [
            manifest
            for described in self.manifests.values()
            for manifest in described
            if wanted & {Sha256(one.sha256) for one in manifest.inputs.raw_inputs}
        ]

    def plan(self, withdrawn: Withdrawn) -> Plan:
        """Return what is to go of all that is withdrawn."""
        plan = Plan()
        candidates: dict[str, tuple[str, Sha256]] = {}
        for revocation in (*withdrawn.artifacts.values(), *withdrawn.inputs.values()):
            manifest = self._signed_manifest(revocation)
            for key in self._own(revocation, manifest):
                plan.files[key] = revocation.what
            for key, member in self._members(manifest).items():
                candidates[key] = revocation.what, member.sha256
        if candidates:
            self._sort(plan, candidates, withdrawn)
        return plan

    def _signed_manifest(self, revocation: Revocation) -> ManifestHead | None:
        """Return the manifest that the stewards signed: any other may name what is not theirs."""
        found = self.manifests.get(revocation.sha256, ())
        wanted = revocation.manifest_sha256
        return next((one for one in found if self.digests[id(one)] == wanted), None)

    def _own(self, revocation: Revocation, manifest: ManifestHead | None) -> Iterator[str]:
        """Yield the keys of payload and sidecars: no other artifact has these bytes."""
        country, sha256 = self._bucket.country, revocation.sha256
        if revocation.dvc_md5 is not None:
            yield payload_key(country, revocation.dvc_md5)
        elif manifest is not None:
            yield manifest.artifact.key
        if revocation.is_input:
            return
        yield from (chunks_key(country, sha256), members_key(country, sha256))
        if manifest is not None:
            yield from (sidecar.key for sidecar in sidecars_of(manifest))
        for key in self._bucket.objects:
            parsed = parse_key(key)
            if parsed is not None and parsed.digest == sha256 and parsed.kind in SIDECARS:
                yield key

    def _members(self, manifest: ManifestHead | None) -> dict[str, MemberFile]:
        """Return the files of a directory by their keys, none of a file."""
        if manifest is None or not manifest.artifact.is_directory:
            return {}
        artifact = manifest.artifact
        key = artifact.parts_key
        try:
            data, _ = self._bucket.store.read(key, limit=LISTING_LIMIT)
            if sha256_bytes(data) == artifact.parts_sha256:
                return listed_members(data, artifact, where=key)
        except NotFoundError:
            return {}  # removed already, and the files before it
        except (FormatError, VerificationError):
            pass
        self.unreadable.append(key)
        return {}

    def _sort(
        self, plan: Plan, candidates: dict[str, tuple[str, Sha256]], withdrawn: Withdrawn
    ) -> None:
        """Let files of withdrawn directories go that no other artifact has, or are withdrawn."""
        needed: dict[str, str] = {}
        for sha256, described in self.manifests.items():
            if sha256 in withdrawn.artifacts:
                continue
            for manifest in described:
                keys = [manifest.artifact.key, *self._members(manifest)]
                needed.update(dict.fromkeys(keys, manifest.reference))
        for key, (reference, sha256) in candidates.items():
            if sha256 not in withdrawn.artifacts and key in needed:
                plan.kept[key] = needed[key]
            elif self.unreadable and sha256 not in withdrawn.artifacts:
                plan.unsure.append(key)
            else:
                plan.files[key] = reference
