"""Purge: remove what was withdrawn from this machine, and nothing that only resembles it.

A manifest may be unsigned, and says where DVC keeps an artifact's bytes. So a file outside of
pe_dvc's cache goes only once it was hashed, and has the sha256 that was withdrawn.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.members import read_members
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.primitives.result import Result
from pe_dvc.store import eviction
from pe_dvc.store.plain_files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.confined import ConfinedTree
    from pe_dvc.store.eviction import CacheEntry


@dataclass(kw_only=True)
class Purged(Result):
    """What was removed: ``cache`` entries of pe_dvc's, ``dvc`` objects, and ``workspace`` files.

    ``in_use`` was not, since a process reads it; ``changed`` files of the workspace are not what
    was withdrawn any more, and ``kept`` ones are, and were not asked for.
    """

    cache: list[CacheEntry] = field(default_factory=list)
    in_use: list[CacheEntry] = field(default_factory=list)
    dvc: list[str] = field(default_factory=list)
    workspace: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Held:
    """A file that may hold withdrawn bytes: its path in the repo, its sha256, and DVC's md5."""

    path: str
    sha256: Sha256
    md5: str


def held_files(cache: Cache, found: Revocation, manifests: Iterable[bytes]) -> Iterator[Held]:
    """Yield the files of a withdrawn artifact, as those of its manifests that are here say."""
    for data in manifests:
        with suppress(FormatError, VerificationError):
            payload = Payload.of_manifest(data)
            if payload.sha256 != found.sha256:
                continue
            if payload.members_sha256 is None:
                yield Held(payload.path, payload.sha256, payload.md5)
                continue
            listed = cache.read_sidecar(payload.members_sha256)
            if listed is not None:
                members = read_members(
                    listed, sha256=None, identity=found.sha256, size=None, where="the cache"
                )
                for member in members:
                    yield Held(f"{payload.path}/{member.path}", member.sha256, member.md5)


def purge_cache(cache: Cache, found: Revocation, files: Iterable[Held], done: Purged) -> None:
    """Remove an artifact, its files and its sidecars from pe_dvc's cache; manifests stay."""
    digests = {found.sha256, *(held.sha256 for held in files)}
    removed, in_use = eviction.remove_artifacts(cache, digests)
    done.cache += removed
    done.in_use += in_use
    for data in cache.manifests_naming(found.sha256):
        with suppress(FormatError):
            manifest = ManifestHead.from_bytes(data, where="the cache")
            if manifest.artifact.sha256 == found.sha256:
                for sidecar in sidecars_of(manifest):
                    cache.remove_sidecar(sidecar.sha256)


def purge_file(tree: ConfinedTree, path: str, sha256: Sha256, *, remove: bool) -> bool | None:
    """Remove a file that has that sha256, if so asked; tell whether it has, None if not here."""
    place = tree.root / path
    if not place.is_file():
        return None
    same = sha256_of(place) == sha256
    if same and remove:
        tree.unlink(path)
    return same
