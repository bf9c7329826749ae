"""``pe-dvc cache prune --revoked``: what was withdrawn leaves this machine."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError, PeDvcError, StoreUnavailableError
from pe_dvc.project.cache import open_cache
from pe_dvc.project.notes import note_once
from pe_dvc.project.reader import Reader
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.trust import trusted_countries
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import read_document
from pe_dvc.usecases.published_manifest import read_manifest
from pe_dvc.usecases.purge import Held, Purged, held_files, purge_cache, purge_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.cache import Cache


def purge(*, workspace: bool = False, store: str | None = None) -> Purged:
    """Remove what was withdrawn of each country from pe_dvc's cache, and in a clone from DVC's.

    With ``workspace`` also the files of the checkout, except those that were changed. Raises
    VerificationError and StoreError; where a bucket cannot be reached, what this machine verified
    of it last counts.
    """
    cache, repo, done = open_cache(), DataRepo.around(), Purged()
    countries = {*trusted_countries(), *([repo.country] if repo else [])}
    for country in sorted(countries):
        reader, known = _known(country, store)
        own = repo if repo is not None and repo.country == country else None
        for found in known:
            files = set(held_files(cache, found, _manifests(cache, reader, own, found)))
            purge_cache(cache, found, files, done)
            if own is not None:
                _purge_clone(own, files, done, workspace=workspace)
    return done


def _known(country: str, store: str | None) -> tuple[Reader, list[Revocation]]:
    reader = Reader(country, store=store)
    try:
        return reader, list(reader.revocations.known().revocations.values())
    except (NotFoundError, StoreUnavailableError) as error:
        offline = Reader(country, store=store, offline=True)
        known = offline.revocations.known()
        note_once(f"{country}: {error.message}; removed is what was known to be withdrawn before")
        return offline, list(known.revocations.values())


def _manifests(
    cache: Cache, reader: Reader, repo: DataRepo | None, found: Revocation
) -> Iterator[bytes]:
    """Yield the manifests of a withdrawn artifact: the bucket's, those read before, the clone's."""
    with suppress(PeDvcError):
        yield read_manifest(reader.store, found.country, found.sha256, found.name)[0]
    yield from cache.manifests_naming(found.sha256)
    for path in (repo.root / "manifests").rglob("*.json") if repo else ():
        with suppress(OSError, PeDvcError):
            yield read_document(path)


def _purge_clone(repo: DataRepo, files: set[Held], done: Purged, *, workspace: bool) -> None:
    from pe_dvc.adapters.dvc.cache import object_path

    cache_dir = repo.dvc_config.cache_dir
    objects, tree = ConfinedTree(cache_dir), ConfinedTree(repo.root)
    for held in sorted(files, key=lambda each: each.path):
        # The workspace first: its file may be a link to the object.
        same = purge_file(tree, held.path, held.sha256, remove=workspace)
        if same is not None:
            where = done.workspace if workspace else done.kept
            (where if same else done.changed).append(held.path)
        place = object_path(cache_dir, held.md5).relative_to(cache_dir).as_posix()
        if purge_file(objects, place, held.sha256, remove=True):
            done.dvc.append(held.md5)
