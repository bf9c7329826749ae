"""What a mirror is to hold of a store: every object with the digest that its bytes must have.

Starts from the signed state: pointers and releases name manifests by sha256, and these name the
rest. Where nothing is left out, the other objects of the country come along: earlier builds that
commits name, and what pipelines made on the way, which DVC's md5 names.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pe_dvc.documents.dvc_hash import bare_md5
from pe_dvc.documents.keys import (
    LISTING_LIMIT,
    MANIFEST_LIMIT,
    PAYLOADS,
    country_prefix,
    manifest_key,
    parse_key,
)
from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.retention.listed_members import listed_members
from pe_dvc.usecases.retention.reachability import Bucket
from pe_dvc.usecases.revoke.inventory import Inventory
from pe_dvc.usecases.revoke.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.store.port import ObjectInfo, ReadableStore
    from pe_dvc.usecases.mirror.known_manifests import KnownManifests
    from pe_dvc.usecases.mirror.pointed import Pointed
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn

Algorithm = Literal["sha256", "md5"]

REMEMBERED_BYTES = 64 * 1024 * 1024
"""Of manifests and short lists, most that is kept in memory until they are copied."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An object to be held. ``what`` is the dataset or path that it is of, for messages.

    ``is_promised`` tells that readers of today's state or of a release may ask for it; what
    earlier versions named may be gone. ``data`` are the bytes where they are known already.
    """

    key: str
    what: str
    algorithm: Algorithm
    digest: str
    size: int
    is_promised: bool
    data: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """An object of the store that is missing or is not what it must be: ``detail`` says how."""

    key: str
    what: str
    detail: str
    is_promised: bool = True


@dataclass(kw_only=True)
class Holdings:
    """The objects to be held, by key, and what the store lacks of them.

    ``left_out`` counts the pointers that a selection leaves out; ``withdrawn`` is what must go of
    the store, as a removal there has it.
    """

    objects: dict[str, Wanted] = field(default_factory=dict)
    lacking: list[Lacking] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Keys of payloads that no bucket needs: their manifests say where else they lie."""
    left_out: int = 0
    withdrawn: Plan = field(default_factory=Plan)
    there: Mapping[str, ObjectInfo] = field(default_factory=dict)
    """All objects of the country in the store, by key."""

    def add(self, one: Wanted) -> None:
        """Add an object; what is promised by anyone is promised."""
        if one.key not in self.objects or one.is_promised:
            self.objects[one.key] = one


class Collector:
    """Finds what is to be held of ``store``, whose objects ``there`` lists."""

    def __init__(
        self,
        store: ReadableStore,
        country: str,
        there: Mapping[str, ObjectInfo],
        withdrawn: Withdrawn,
        *,
        known: KnownManifests | None = None,
    ) -> None:
        self._known = known
        self._store, self._country, self._there = store, country, there
        self._withdrawn = withdrawn
        self._withdrawn_bytes = withdrawn.artifacts.keys() | withdrawn.inputs.keys()
        self.found = Holdings(there=there)
        if self._withdrawn_bytes:
            bucket = Bucket(store, country, objects=there, channels={})
            self.found.withdrawn = Inventory(bucket).plan(withdrawn)
        self._manifests: set[str] = set()
        self._remembered = 0

    def add_pointed(self, pointed: Iterable[Pointed]) -> None:
        """Add the manifests that are pointed to, and all that these name."""
        ordered = sorted(pointed, key=lambda one: one.is_promised)
        with Pool(TRANSFERS) as pool:
            read = run_all(pool, self._read_pointed, ordered)
        for one, found in zip(ordered, read, strict=True):
            if isinstance(found, Lacking):
                self.found.lacking.append(found)
            else:
                artifact = self._add_manifest(*found, is_promised=one.is_promised)
                self._add_payload(artifact, is_promised=one.is_promised)

    def add_document(self, key: str, what: str, sha256: Sha256) -> None:
        """Add a document that signed metadata names."""
        self._add(key, what, "sha256", sha256, None, is_promised=True)

    def add_rest(self) -> None:
        """Add everything else of the country that an artifact or DVC's cache is made of.

        These manifests are unsigned: payloads are checked against DVC's md5, which names them, not
        against what such a manifest says.
        """
        keys = [key for key in self._there if (p := parse_key(key)) and p.kind == "manifest"]
        others = [key for key in keys if key not in self._manifests]
        with Pool(TRANSFERS) as pool:
            read = run_all(pool, self._read_other, others)
        for one in read:
            if one is not None:
                self._add_manifest(*one, is_promised=False)
        for key, info in self._there.items():
            parsed = parse_key(key)
            if parsed and parsed.kind in PAYLOADS and key not in self.found.objects:
                what = f"md5:{parsed.digest}"
                self._add(key, what, "md5", parsed.digest, info.size, is_promised=False)

    def _read_pointed(self, one: Pointed) -> tuple[str, bytes] | Lacking:
        plain = manifest_key(self._country, one.sha256)
        actual = ""
        for key in (plain, manifest_key(self._country, one.sha256, one.name)):
            if key in self._there:
                data = self._known.read(key, one.manifest_sha256) if self._known else None
                if data is None:
                    data, _ = self._store.read(key, limit=MANIFEST_LIMIT)
                if sha256_bytes(data) == one.manifest_sha256:
                    return key, data
                actual = f", got sha256:{sha256_bytes(data)}"
        detail = (
            f"expected a manifest sha256:{one.manifest_sha256}{actual or ', and there is none'}"
        )
        return Lacking(key=plain, what=one.name, detail=detail, is_promised=one.is_promised)

    def _read_other(self, key: str) -> tuple[str, bytes] | None:
        try:
            data, _ = self._store.read(key, limit=MANIFEST_LIMIT)
            artifact = ManifestHead.from_bytes(data, where=key).artifact
        except (FormatError, NotFoundError):
            return None
        sha256 = Sha256(artifact.sha256)
        own = (manifest_key(self._country, sha256, name) for name in (None, artifact.name))
        return (key, data) if key in own else None

    def _add_manifest(self, key: str, data: bytes, *, is_promised: bool) -> Artifact:
        """Add a manifest and its sidecars; of what was withdrawn only the manifest stays."""
        manifest = ManifestHead.from_bytes(data, where=f"{self._store.url}/{key}")
        artifact = manifest.artifact
        self._manifests.add(key)
        what, digest = artifact.name, sha256_bytes(data)
        self._add(key, what, "sha256", digest, len(data), is_promised=is_promised)
        self._remember(key, data)
        if Sha256(artifact.sha256) not in self._withdrawn.artifacts:
            for one in sidecars_of(manifest):
                if one.is_implied and one.key not in self._there:
                    continue
                self._add(one.key, what, "sha256", one.sha256, None, is_promised=is_promised)
                if one.is_parts and (chunks := artifact.implied_parts) is not None:
                    self._remember(one.key, chunks)
            if self._is_elsewhere(artifact):
                self.found.elsewhere.append(artifact.key)
        return artifact

    def _is_elsewhere(self, artifact: Artifact) -> bool:
        is_file = not artifact.is_directory
        return is_file and artifact.location is not None and artifact.key not in self._there

    def _add_payload(self, artifact: Artifact, *, is_promised: bool) -> None:
        if artifact.sha256 in self._withdrawn_bytes or self._is_elsewhere(artifact):
            return
        if artifact.is_directory:
            self._add_members(artifact, is_promised=is_promised)
            return
        what, size, digest = artifact.name, artifact.size, Sha256(artifact.sha256)
        self._add(artifact.key, what, "sha256", digest, size, is_promised=is_promised)

    def _remember(self, key: str, data: bytes) -> None:
        """Keep the bytes of a manifest, or of a list that follows from it, so that it is read once.

        As long as all are of moderate size.
        """
        if key in self.found.objects and self._remembered + len(data) <= REMEMBERED_BYTES:
            self._remembered += len(data)
            self.found.objects[key] = replace(self.found.objects[key], data=data)

    def _add_members(self, artifact: Artifact, *, is_promised: bool) -> None:
        md5 = bare_md5(artifact.dvc.md5)
        self._add(artifact.key, artifact.name, "md5", md5, None, is_promised=is_promised)
        key = artifact.parts_key
        if key not in self.found.objects:
            return
        try:
            data, _ = self._store.read(key, limit=LISTING_LIMIT)
            members = listed_members(data, artifact, where=f"{self._store.url}/{key}")
        except (FormatError, VerificationError) as error:
            lacking = Lacking(
                key=key, what=artifact.name, detail=error.message, is_promised=is_promised
            )
            self.found.lacking.append(lacking)
            return
        for one, member in members.items():
            if member.sha256 in self._withdrawn_bytes:
                continue  # gone under every name, and missed nowhere
            path, size = f"{artifact.name}/{member.path}", member.size
            self._add(one, path, "sha256", member.sha256, size, is_promised=is_promised)

    def _add(
        self,
        key: str,
        what: str,
        algorithm: Algorithm,
        digest: str,
        size: int | None,
        *,
        is_promised: bool,
    ) -> None:
        plan = self.found.withdrawn
        if key in plan.gone or (key in plan.unsure and not is_promised):
            return  # neither held nor missed
        info = self._there.get(key)
        if info is None or size not in (None, info.size):
            detail = "missing" if info is None else f"expected {size} bytes, got {info.size}"
            self.found.lacking.append(
                Lacking(key=key, what=what, detail=detail, is_promised=is_promised)
            )
            return
        self.found.add(
            Wanted(
                key=key,
                what=what,
                algorithm=algorithm,
                digest=digest,
                size=info.size,
                is_promised=is_promised,
            )
        )


def objects_of(store: ReadableStore, country: str) -> dict[str, ObjectInfo]:
    """Return all objects of a country but its channels, by key."""
    return {info.key: info for info in store.list(country_prefix(country))}
