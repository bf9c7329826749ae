"""What is to be withdrawn: found by signed pointers, described by signed manifests."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.revocation import Revocation
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, PeDvcError, VerificationError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.project.gate_sources import Sources
from pe_dvc.project.mirror_place import filled_mirrors
from pe_dvc.project.repo_files import read_manifests
from pe_dvc.usecases.channel.source import Source, pointers_from
from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.retention.reachability import Bucket
from pe_dvc.usecases.revoke.affected import Affected, derivations, names_of, pinning, pointing
from pe_dvc.usecases.revoke.inventory import Inventory
from pe_dvc.usecases.revoke.withdrawn import Withdrawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.primitives.reference import Reference
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store


class Subjects:
    """Finds artifacts and raw inputs to withdraw in ``store``; ``said`` are fields of entries."""

    def __init__(self, repo: DataRepo, store: Store, said: Mapping[str, Any]) -> None:
        self._repo, self._store, self._said = repo, store, said
        self._sources = Sources(repo, None, None)
        self._sources.store = store

    @cached_property
    def bucket(self) -> Bucket:
        """The country's objects, listed once."""
        return Bucket.read(self._store, self._repo.country)

    @cached_property
    def inventory(self) -> Inventory:
        """The artifacts that the bucket describes."""
        return Inventory(self.bucket)

    @cached_property
    def signed(self) -> dict[Sha256, Pointer]:
        """Every pointer that a version of a channel ever had, by its manifest's sha256."""
        return {
            pointer.manifest_sha256: pointer
            for channel in CHANNELS
            for version in self._sources.published.versions(channel)
            for pointer in version.pointers.values()
        }

    def artifact(self, reference: Reference, known: Withdrawn) -> Revocation:
        """Return the entry of the artifact that a reference means.

        One that is withdrawn already, in ``known``, gets what is said now. Raises NotFoundError.
        """
        there = known.artifacts.get(reference.sha256) if reference.sha256 else None
        if there is not None:
            return replace(there, **self._said)
        try:
            pointer = self._pointer(reference)
        except NotFoundError:
            if reference.sha256 is None:
                raise
            return self._unsigned(reference, reference.sha256)
        return self._entry(pointer.name, pointer.sha256, pointer.size, pointer.manifest_sha256)

    def raw_input(self, sha256: Sha256, known: Withdrawn) -> list[Revocation]:
        """Return the entry of a raw input, and those of all that derives from it, step by step.

        Where its bytes are a published artifact, that is withdrawn as well. An artifact that is in
        ``known`` for a reason of its own, or for another raw input, keeps that entry.
        """
        self._check_described(known)
        entry = Revocation(sha256=sha256, is_input=True, **self._file(sha256), **self._said)
        artifacts = (
            self._entry(one.artifact.name, digest, one.artifact.size, self._digest(one))
            for digest, one in self.derived(sha256).items()
            if digest not in known.artifacts or known.artifacts[digest].raw_input == sha256
        )
        return [entry, *(replace(one, raw_input=sha256) for one in artifacts)]

    def derived(self, sha256: Sha256) -> dict[Sha256, ManifestHead]:
        """Return the signed artifacts that derive from a raw input, or that are its bytes."""
        digests = {sha256}
        own = self.inventory.manifests.get(sha256, ())
        derived = {Sha256(m.artifact.sha256): m for m in own if self._digest(m) in self.signed}
        while found := {
            Sha256(one.artifact.sha256): one
            for one in self.inventory.derived_from(digests)
            if self._digest(one) in self.signed and one.artifact.sha256 not in digests
        }:
            derived |= found
            digests |= found.keys()
        return derived

    def still_withdrawn(
        self, entries: Sequence[Revocation], inputs: Mapping[Sha256, Revocation]
    ) -> list[Revocation]:
        """Return those of ``entries`` that derive from one of ``inputs``, with its reasons."""
        self._check_described(Withdrawn())
        found: dict[Sha256, Revocation] = {}
        for sha256, why in inputs.items():
            derived = self.derived(sha256)
            for one in (one for one in entries if one.sha256 in derived):
                found[one.sha256] = replace(
                    one,
                    raw_input=sha256,
                    reason=why.reason,
                    authority=why.authority,
                    contact=why.contact,
                    revoked=why.revoked,
                )
        return list(found.values())

    def _check_described(self, known: Withdrawn) -> None:
        """Take manifests that the bucket lacks from the clone; raise VerificationError if it does.

        What a missing one derives from cannot be told, and it would stay readable. Of what is in
        ``known`` it need not be.
        """
        described = {*self.inventory.digests.values()}
        for manifest, data in self._ours.values():
            if sha256_bytes(data) in self.signed.keys() - described:
                self.inventory.add(manifest, data)
        lacking = self.signed.keys() - {*self.inventory.digests.values()}
        for digest in sorted(lacking, key=lambda one: self.signed[one].name):
            pointer = self.signed[digest]
            if pointer.sha256 not in known.artifacts:
                raise VerificationError(
                    f"{self._store.url} has no manifest sha256:{digest} of {pointer.name}, "
                    f"sha256:{pointer.sha256}, which was signed: whether it derives from the raw "
                    "input cannot be told",
                    remedy="Nothing was changed. Run pe-dvc fsck --repair in a checkout that has "
                    "the manifest, then run this again; or revoke that artifact itself first.",
                )

    @cached_property
    def _ours(self) -> dict[str, tuple[ManifestHead, bytes]]:
        """The clone's manifests."""
        return read_manifests(self._repo.tree, self._repo.settings, ManifestHead)

    def affected(self, entries: Sequence[Revocation]) -> Affected:
        """Return what a withdrawal concerns."""
        digests = {one.sha256: None for one in entries}
        of = Withdrawn(
            artifacts={one.sha256: one for one in entries if not one.is_input},
            inputs={one.sha256: one for one in entries if one.is_input},
        )
        plan = self.inventory.plan(of)
        files = sorted(plan.gone.keys() & self.bucket.objects.keys())
        return Affected(
            artifacts=names_of(digests, self.inventory),
            channels=pointing(digests, self._channels()),
            releases=pinning(digests, self._releases()),
            derived=derivations(digests, self.inventory),
            files=tuple(files),
            size=sum(self.bucket.objects[key].size for key in files),
            kept=plan.kept,
            mirrors=tuple(filled_mirrors(self._repo)),
            hubs=tuple(name for name, one in self._repo.settings.mirrors.items() if one.is_hub),
        )

    def _pointer(self, reference: Reference) -> Pointer:
        """Return the signed pointer that a reference means, or that once had its sha256."""
        if reference.channel is not None:
            found = self._sources.reader.channels.lookup(reference.channel, reference.name)
            if found is None:
                raise NotFoundError(f"{reference.channel} has no dataset {reference.name!r}")
            return found
        source = Source(text=reference.selector, sha256=reference.sha256, release=reference.release)
        return pointers_from(source, [reference.name], self._sources.published)[reference.name]

    def _entry(self, name: str, sha256: Sha256, size: int, manifest: Sha256 | None) -> Revocation:
        md5 = self._address(name, sha256, manifest)
        # Someone else's bytes are not withdrawn by their md5.
        is_own = self.inventory.claim(md5, sha256, Withdrawn()) is None
        return Revocation(
            name=name,
            sha256=sha256,
            size=size,
            manifest_sha256=manifest,
            dvc_md5=md5 if is_own else None,
            **self._said,
        )

    def _address(self, name: str, sha256: Sha256, manifest: Sha256 | None) -> str:
        """Return DVC's hash of an artifact, by its signed manifest in the bucket or in the clone.

        Raises VerificationError where neither has it: then nothing could be removed.
        """
        for described in self.inventory.manifests.get(sha256, ()):
            if self._digest(described) == manifest:
                return described.artifact.dvc.md5
        repo = self._repo
        for ours, data in self._ours.values():
            if sha256_bytes(data) == manifest:
                return ours.artifact.dvc.md5
        raise VerificationError(
            f"{self._store.url} has no manifest sha256:{manifest} of {name}, which was signed, nor "
            f"has {repo.settings.manifests}: where its bytes are, to be removed, is not known",
            remedy="Run pe-dvc fsck --repair in a checkout that has the manifest, then revoke.",
        )

    def _unsigned(self, reference: Reference, sha256: Sha256) -> Revocation:
        """Return the entry of what no channel ever signed, if its payload has that sha256."""
        for manifest in self.inventory.manifests.get(sha256, ()):
            artifact = manifest.artifact
            info = self.bucket.objects.get(artifact.key)
            if info is None or artifact.is_directory:
                continue
            if object_digest(self._store, artifact.key, info.size) == sha256:
                return self._entry(reference.name, sha256, info.size, self._digest(manifest))
        raise NotFoundError(
            f"{reference} was never published: no version of a channel and no payload in "
            f"{self._store.url} has it",
        )

    def _digest(self, manifest: ManifestHead) -> Sha256:
        return self.inventory.digests[id(manifest)]

    def _file(self, sha256: Sha256) -> dict[str, Any]:
        """Return name, size and DVC's hash of a raw input, as far as the clone has the file."""
        from pe_dvc.adapters.digests import DigestCache

        names = {
            one.name
            for manifest in self.inventory.derived_from([sha256])
            for one in manifest.inputs.raw_inputs
            if one.sha256 == sha256
        }
        name = min(names, default=f"sha256:{sha256}")
        output = self._repo.dvc.outputs.get(name)
        path = self._repo.root / name
        if output is None or output.md5 is None or not path.is_file():
            return {"name": name, "size": 0}
        if DigestCache(self._repo.root).digest(path).sha256 != sha256:
            return {"name": name, "size": 0}
        return {"name": name, "size": path.stat().st_size, "dvc_md5": output.md5}

    def _channels(self) -> dict[str, list[Pointer]]:
        """Return what readers are shown, nothing where no channel is published yet."""
        found: dict[str, list[Pointer]] = {}
        for channel in CHANNELS:
            try:
                found[channel] = self._sources.reader.channels.pointers(channel)
            except NotFoundError:
                continue
        return found

    def _releases(self) -> dict[str, ReleaseManifest]:
        from pe_dvc.usecases.read.resolve_release import release_manifest

        reader, found = self._sources.reader, {}
        try:
            releases = reader.channels.releases()
        except NotFoundError:
            return {}
        for tag, released in releases.items():
            try:
                found[tag] = release_manifest(released, store=self._store, cache=reader.cache)
            except PeDvcError:
                continue  # pe-dvc release status says what is wrong with it
        return found
