"""Which objects of a bucket are of withdrawn artifacts alone, and which another one needs too.

Decides only, and removes nothing. ADR 0008.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_hash import is_listing
from pe_dvc.documents.keys import (
    MANIFEST_LIMIT,
    SIDECARS,
    chunks_key,
    manifest_key,
    members_key,
    payload_key,
)
from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.revoke.claims import DISPUTED, claim_of
from pe_dvc.usecases.revoke.contents import Contents, contents_of
from pe_dvc.usecases.revoke.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.usecases.retention.reachability import Bucket
    from pe_dvc.usecases.revoke.claims import Claim
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn

_UNSURE = "a manifest in the bucket cannot be read, which may name it: run pe-dvc fsck"
_UNLISTED = (
    "it is altered, and so is the directory's other list, or it is missing: which files are left "
    "of {what} cannot be told. Run pe-dvc fsck --repair, or restore it from an old version"
)
_NOWHERE = (
    "neither the entry of {what} nor a manifest that was signed says where its bytes are: run "
    "pe-dvc fsck --repair, or revoke it again"
)


class Inventory:
    """The artifacts that a bucket describes. What is no manifest is passed over, and counted."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket, self.unreadable = bucket, list[str]()
        self.manifests: dict[Sha256, list[ManifestHead]] = {}
        self.digests: dict[int, Sha256] = {}
        """The sha256 of each manifest itself, by ``id``."""
        named = bucket.keys_of("manifest")
        with Pool(TRANSFERS) as pool:
            read = run_all(pool, self._read, [key for _, key in named])
        for (sha256, key), found in zip(named, read, strict=True):
            if found is None or not self._is_own(found[0], sha256):
                self.unreadable.append(key)
            else:
                self.add(*found)

    def _is_own(self, manifest: ManifestHead, sha256: str) -> bool:
        """Tell whether a manifest is of this country's artifact ``sha256``."""
        artifact = manifest.artifact
        return artifact.sha256 == sha256 and artifact.country == self._bucket.country

    def _read(self, key: str) -> tuple[ManifestHead, bytes] | None:
        try:
            data, _ = self._bucket.store.read(key, limit=MANIFEST_LIMIT)
            return ManifestHead.from_bytes(data, where=key), data
        except (FormatError, NotFoundError):
            return None

    def add(self, manifest: ManifestHead, data: bytes) -> None:
        """Take in a manifest, whose bytes are ``data``."""
        self.manifests.setdefault(Sha256(manifest.artifact.sha256), []).append(manifest)
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
        candidates: dict[str, tuple[str, Sha256 | None]] = {}
        for revocation in withdrawn.artifacts.values():
            manifest = self._signed_manifest(revocation)
            what, md5 = revocation.what, _address(revocation, manifest)
            if md5 is None:
                key = manifest_key(self._bucket.country, revocation.sha256)
                self._leave(plan, revocation, key, _NOWHERE.format(what=what))
            elif self._add_own(plan, revocation, md5, withdrawn) and is_listing(md5):
                for key, sha256 in self._files(plan, revocation, manifest, md5).items():
                    candidates[key] = what, sha256
            self._add_sidecars(plan, revocation, manifest)
        for revocation in withdrawn.inputs.values():
            if revocation.dvc_md5 is not None:
                self._add_own(plan, revocation, revocation.dvc_md5, withdrawn)
        if candidates:
            self._sort(plan, candidates, withdrawn)
        return plan

    def claim(self, md5: str, sha256: Sha256, withdrawn: Withdrawn) -> Claim | None:
        """Return who else has what lies at an address, of the artifacts not ``withdrawn``."""
        key = payload_key(self._bucket.country, md5)
        others = [
            one
            for one in self._by_address.get(key, ())
            if one.artifact.sha256 != sha256 and one.artifact.sha256 not in withdrawn.artifacts
        ]
        return claim_of(self._bucket, key, sha256, others)

    @cached_property
    def _by_address(self) -> dict[str, list[ManifestHead]]:
        found: dict[str, list[ManifestHead]] = {}
        for manifest in (one for described in self.manifests.values() for one in described):
            found.setdefault(manifest.artifact.key, []).append(manifest)
        return found

    def _add_own(self, plan: Plan, revocation: Revocation, md5: str, withdrawn: Withdrawn) -> bool:
        """Add the payload, or a directory's listing; tell whether the address is its own."""
        key, what = payload_key(self._bucket.country, md5), revocation.what
        claim = self.claim(md5, revocation.sha256, withdrawn)
        if claim is not None and claim.is_owner:
            plan.kept[key] = claim.reference
        elif claim is not None:
            self._leave(plan, revocation, key, DISPUTED.format(other=claim.reference))
        elif is_listing(md5):
            plan.lists[key] = what
        else:
            plan.files[key] = what
            plan.add_parts(what, [key])
        return claim is None

    def _leave(self, plan: Plan, revocation: Revocation, key: str, why: str) -> None:
        """Say why something of an artifact is left, so that its lists stay, too."""
        plan.unsure[key] = why
        plan.add_parts(revocation.what, [key])

    def _signed_manifest(self, revocation: Revocation) -> ManifestHead | None:
        """Return the manifest that the stewards signed: any other may name what is not theirs."""
        found = self.manifests.get(revocation.sha256, ())
        wanted = revocation.manifest_sha256
        return next((one for one in found if self.digests[id(one)] == wanted), None)

    def _add_sidecars(
        self, plan: Plan, revocation: Revocation, manifest: ManifestHead | None
    ) -> None:
        """Add the keys of sidecars: no other artifact has these bytes."""
        country, sha256, what = self._bucket.country, revocation.sha256, revocation.what
        lists = (chunks_key(country, sha256), members_key(country, sha256))
        sidecars = [sidecar.key for sidecar in sidecars_of(manifest)] if manifest else []
        own = {*sidecars, *self._sidecars.get(sha256, ())}.difference(lists)
        plan.files |= dict.fromkeys(own, what)
        plan.lists |= dict.fromkeys(lists, what)
        plan.add_parts(what, own)

    @cached_property
    def _sidecars(self) -> dict[str, list[str]]:
        """The keys of all sidecars in the bucket, by the sha256 of their artifact."""
        found: dict[str, list[str]] = {}
        for kind in SIDECARS:
            for digest, key in self._bucket.keys_of(kind):
                found.setdefault(digest, []).append(key)
        return found

    def _files(
        self, plan: Plan, revocation: Revocation, manifest: ManifestHead | None, md5: str
    ) -> dict[str, Sha256 | None]:
        """Return the files of a withdrawn directory by their keys; say where that is not known."""
        artifact = None if manifest is None else manifest.artifact
        contents = contents_of(self._bucket, revocation.sha256, artifact, md5)
        plan.unsure |= dict.fromkeys(contents.unknown, _UNLISTED.format(what=revocation.what))
        plan.add_parts(revocation.what, (*contents.unknown, *contents.files))
        return contents.files

    def _needed(self, withdrawn: Withdrawn) -> dict[str, str]:
        """Return the keys that artifacts need which are not withdrawn, with a reference."""
        others = [
            manifest
            for sha256, described in self.manifests.items()
            if sha256 not in withdrawn.artifacts
            for manifest in described
        ]
        needed = {one.artifact.key: one.reference for one in others}
        directories = [one for one in others if one.artifact.is_directory]

        def contents(one: ManifestHead) -> Contents:
            artifact = one.artifact
            sha256 = Sha256(artifact.sha256)
            return contents_of(self._bucket, sha256, artifact, artifact.dvc.md5)

        with Pool(TRANSFERS) as pool:
            found = run_all(pool, contents, directories)
        for one, held in zip(directories, found, strict=True):
            needed |= dict.fromkeys(held.files, one.reference)
            self.unreadable += held.unknown
        return needed

    def _sort(
        self,
        plan: Plan,
        candidates: dict[str, tuple[str, Sha256 | None]],
        withdrawn: Withdrawn,
    ) -> None:
        """Let files of withdrawn directories go that no other artifact has, or are withdrawn."""
        needed = self._needed(withdrawn)
        for key, (reference, sha256) in candidates.items():
            if sha256 in withdrawn.artifacts or key in plan.files:
                plan.files[key] = reference
            elif key in needed:
                plan.kept[key] = needed[key]
            elif self.unreadable:
                plan.unsure[key] = _UNSURE
            else:
                plan.files[key] = reference


def _address(revocation: Revocation, manifest: ManifestHead | None) -> str | None:
    """Return DVC's hash of what was withdrawn: as stewards signed it, or by its manifest."""
    if revocation.dvc_md5 is not None or manifest is None:
        return revocation.dvc_md5
    return manifest.artifact.dvc.md5
