"""Purge: remove what was withdrawn from this machine, and nothing that only resembles it.

A manifest may be unsigned, and says where DVC keeps an artifact's bytes. So a file outside of
pe_dvc's cache goes only once it was hashed, and has the digest that was withdrawn.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.members import read_members
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.primitives.result import Result
from pe_dvc.store import eviction
from pe_dvc.store.plain_files import open_to_read, sha256_of
from pe_dvc.usecases.object_digest import md5_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pe_dvc.documents.members import MemberFile, Members
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.confined import ConfinedTree
    from pe_dvc.store.eviction import CacheEntry


@dataclass(kw_only=True)
class Purged(Result):
    """What was removed: ``cache`` entries of pe_dvc's, ``dvc`` objects, and ``workspace`` files.

    ``in_use`` was not, since a process reads it; ``changed`` files of the workspace are not what
    was withdrawn any more, and ``kept`` ones are, and were not asked for. ``shared`` objects of
    DVC's cache are files of a withdrawn directory that other data of the clone has, too, and
    ``kept_dvc`` ones were not asked for;
    ``unlisted`` are directories here of which no list of files is known any more.
    """

    cache: list[CacheEntry] = field(default_factory=list)
    in_use: list[CacheEntry] = field(default_factory=list)
    dvc: list[str] = field(default_factory=list)
    workspace: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    kept_dvc: list[str] = field(default_factory=list)


class Gone(Protocol):
    """An artifact that must leave this machine, such as a withdrawn one."""

    @property
    def sha256(self) -> Sha256:
        """The artifact's."""
        ...

    @property
    def dvc_md5(self) -> str | None:
        """DVC's md5 of it, where someone who signs said it."""
        ...


@dataclass(frozen=True)
class Held:
    """A file that may hold withdrawn bytes: its path in the repo, its sha256, and DVC's md5.

    ``sha256`` is None where only DVC's listing of a directory tells of it, which has no other
    digest. ``is_member`` tells of a file of a withdrawn directory.
    """

    path: str
    sha256: Sha256 | None
    md5: str
    is_member: bool = False

    def is_at(self, place: Path) -> bool:
        """Tell whether a file is what was withdrawn."""
        if self.sha256 is not None:
            return sha256_of(place) == self.sha256
        return _md5_at(place) == self.md5


@dataclass(kw_only=True)
class Contents:
    """The files of a withdrawn artifact, and the paths of directories whose files are unknown."""

    files: set[Held] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)


def contents_of(
    found: Gone, manifests: Iterable[bytes], list_of: Callable[[Payload], list[Held] | None]
) -> Contents:
    """Return what a withdrawn artifact is made of, by those of its manifests that are here.

    ``list_of`` gives the files of a directory, None where they are not known.
    """
    contents, listed_paths = Contents(), set()
    for data in manifests:
        with suppress(FormatError, VerificationError):
            payload = Payload.of_manifest(data)
            if payload.sha256 != found.sha256:
                continue
            if not payload.is_directory:
                contents.files.add(Held(payload.path, payload.sha256, payload.md5))
            elif (listed := list_of(payload)) is not None:
                contents.files.update(listed)
                listed_paths.add(payload.path)
            else:
                contents.unlisted.add(payload.path)
    contents.unlisted -= listed_paths
    return contents


def listed_in_cache(cache: Cache, payload: Payload) -> list[Held] | None:
    """Return the files of a directory by the list in pe_dvc's cache, None where it is not here."""
    members = members_in_cache(cache, payload.members_sha256, payload.sha256)
    return None if members is None else held_members(payload, members)


def members_in_cache(cache: Cache, list_sha256: Sha256 | None, identity: Sha256) -> Members | None:
    """Return the files of the directory ``identity`` by their list, None where it is not here.

    Raises FormatError, VerificationError.
    """
    data = cache.read_sidecar(list_sha256) if list_sha256 else None
    if data is None:
        return None
    return read_members(data, sha256=None, identity=identity, size=None, where="the cache")


def held_members(payload: Payload, members: Iterable[MemberFile]) -> list[Held]:
    """Return the files of a directory as they may lie in a clone."""
    return [Held(f"{payload.path}/{m.path}", m.sha256, m.md5, is_member=True) for m in members]


def purge_cache(cache: Cache, found: Revocation, files: Iterable[Held], done: Purged) -> None:
    """Remove an artifact and its files from pe_dvc's cache."""
    digests = {found.sha256, *(held.sha256 for held in files if held.sha256 is not None)}
    removed, in_use = eviction.remove_artifacts(cache, digests)
    done.cache += removed
    done.in_use += in_use


def purge_sidecars(cache: Cache, found: Revocation, *, keep_lists: bool) -> None:
    """Remove an artifact's sidecars from pe_dvc's cache, its lists only without ``keep_lists``.

    From them a later purge learns what else there is. Manifests stay.
    """
    for data in list(cache.manifests_naming(found.sha256)):
        with suppress(FormatError):
            manifest = ManifestHead.from_bytes(data, where="the cache")
            if manifest.artifact.sha256 == found.sha256:
                for sidecar in sidecars_of(manifest):
                    if not (keep_lists and sidecar.is_parts):
                        cache.remove_sidecar(sidecar.sha256)


def purge_files(
    tree: ConfinedTree,
    files: Iterable[Held],
    tracked: Callable[[str], str | None],
    done: Purged,
    *,
    workspace: bool,
) -> None:
    """Remove the files of the checkout ``tree`` that are what was withdrawn, with ``workspace``.

    ``tracked`` gives DVC's md5 of a path in this checkout, None where it tracks none that is not
    withdrawn. A file that has it belongs to another version: it stays, and was not changed.
    """
    for held, is_same in _look(tree, ((held.path, held) for held in files)):
        if (held.is_member or not is_same) and _md5_at(tree.root / held.path) == tracked(held.path):
            continue
        if is_same and workspace:
            tree.unlink(held.path)
        where = done.workspace if workspace else done.kept
        (where if is_same else done.changed).append(held.path)


def purge_objects(
    tree: ConfinedTree,
    place_of: Callable[[str], str],
    files: Iterable[Held],
    needed: Iterable[str],
    done: Purged,
    *,
    remove: bool = True,
) -> None:
    """Remove from DVC's cache ``tree`` what was withdrawn; ``place_of`` tells where an md5 lies.

    A file of a directory stays whose md5 is ``needed``: other data of the clone has it, too.
    Without ``remove`` the rest is noted as kept.
    """
    others = set(needed)
    for held, is_same in _look(tree, ((place_of(held.md5), held) for held in files)):
        if not is_same:
            continue
        if held.is_member and held.md5 in others:
            done.shared.append(held.md5)
        elif not remove:
            done.kept_dvc.append(held.md5)
        else:
            tree.unlink(place_of(held.md5))
            done.dvc.append(held.md5)


def _look(tree: ConfinedTree, places: Iterable[tuple[str, Held]]) -> Iterator[tuple[Held, bool]]:
    """Yield what is there of the files, each with whether it is what was withdrawn."""
    for place, held in places:
        path = tree.root / place
        if path.is_file():
            yield held, held.is_at(path)


def _md5_at(place: Path) -> str:
    with open_to_read(place) as file:
        return md5_file(file)
