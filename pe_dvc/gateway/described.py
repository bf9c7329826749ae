"""What a gateway knows of an artifact by its signed manifest: all its objects, and its files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.gateway.decision import Subject
from pe_dvc.primitives.digest import Sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.members import MemberChunks, MemberFile


@dataclass
class Served:
    """An object that may be read: of which datasets it is, and what its bytes must be.

    ``kind`` is ``manifest``, ``payload``, ``listing``, ``chunks``, ``members``, ``release`` or what
    a sidecar is. ``digest`` is the sha256 or, of DVC's lists, the md5 of its bytes.
    """

    kind: str
    digest: str
    sha256: str | None
    subjects: set[Subject] = field(default_factory=set)


class Content(NamedTuple):
    """What a sha256 stands for: a file, or a folder if ``inside`` is not None.

    ``key`` is the object of which the grants and withdrawals count: the file, or the list of the
    directory's files. ``inside`` is the folder's path in the directory, ``""`` for its top.
    ``manifest`` is None for what was withdrawn, and of which no more is known. ``chunks`` are those
    of a large file in a directory: the size of one, and the digests of all.
    """

    key: str
    name: str
    size: int
    manifest: ManifestHead | None = None
    inside: str | None = None
    chunks: MemberChunks | None = None

    @property
    def built_at(self) -> str | None:
        """When it was built (RFC 3339, UTC), where that is stated."""
        return self.manifest.build.built_at if self.manifest else None


@dataclass(frozen=True, kw_only=True)
class Described:
    """An artifact by its signed manifest, which is at ``key``.

    ``members`` are a directory's files by the keys of their payloads, ``folders`` its folders with
    their dirHash and their bytes.
    """

    key: str
    sha256: Sha256
    manifest: ManifestHead
    members: Mapping[str, MemberFile]
    folders: Mapping[str, tuple[Sha256, int]]

    def subject(self, version: str | None) -> Subject:
        """Return the dataset that it is, as of ``version``."""
        raw = {one.name for one in self.manifest.inputs.raw_inputs}
        name = self.manifest.artifact.name
        return Subject(dataset=name, raw_inputs=tuple(sorted(raw)), version=version)

    def objects(self) -> dict[str, Served]:
        """Return all objects of the artifact, by key."""
        artifact = self.manifest.artifact
        of, is_directory = artifact.sha256, artifact.is_directory
        found = {self.key: Served("manifest", self.sha256, of)}
        for one in sidecars_of(self.manifest):
            found[one.key] = Served(one.kind, one.sha256, of)
        for key, member in self.members.items():
            found[key] = Served("payload", member.sha256, member.sha256)
        kind, digest = ("listing", artifact.dvc.md5) if is_directory else ("payload", of)
        found[artifact.key] = Served(kind, digest, of)
        return found

    def contents(self) -> dict[str, Content]:
        """Return its data by sha256: the file, or the directory, its folders and its files."""
        artifact, manifest = self.manifest.artifact, self.manifest
        top = artifact.path.rpartition("/")[2]
        if not artifact.is_directory:
            return {artifact.sha256: Content(artifact.key, top, artifact.size, manifest)}
        found: dict[str, Content] = {}
        for key, member in self.members.items():
            name = member.path.rpartition("/")[2]
            chunks = member.chunks
            found[member.sha256] = Content(key, name, member.size, manifest, chunks=chunks)
        for inside, (sha256, size) in self.folders.items():
            name = inside.rpartition("/")[2]
            found[sha256] = Content(artifact.parts_key, name, size, manifest, inside)
        found[artifact.sha256] = Content(artifact.parts_key, top, artifact.size, manifest, "")
        return found


def folders_of(members: Iterable[MemberFile]) -> dict[str, tuple[Sha256, int]]:
    """Return the folders in a directory by path, each with its dirHash and its bytes.

    ``members`` are sorted by path, as their list has them. The directory's top is left out.
    """
    hashes: dict[str, hashlib._Hash] = {}
    sizes: dict[str, int] = {}
    for member in members:
        end = member.path.find("/")
        while end >= 0:
            folder = member.path[:end]
            line = f"{member.sha256}  {member.path[end + 1 :]}\n"
            hashed = hashes.setdefault(folder, hashlib.sha256())
            hashed.update(line.encode(errors="surrogateescape"))
            sizes[folder] = sizes.get(folder, 0) + member.size
            end = member.path.find("/", end + 1)
    return {one: (Sha256(found.hexdigest()), sizes[one]) for one, found in hashes.items()}
