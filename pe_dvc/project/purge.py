"""``pe-dvc cache prune --revoked``: what was withdrawn leaves this machine."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError, PeDvcError, StoreUnavailableError
from pe_dvc.project.cache import open_cache
from pe_dvc.project.notes import note_once
from pe_dvc.project.purge_clone import Clone
from pe_dvc.project.reader import Reader
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.trust import trusted_countries
from pe_dvc.project.withdrawn import known_here, signed_in_git
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.published_manifest import read_manifest
from pe_dvc.usecases.purge import (
    Purged,
    contents_of,
    listed_in_cache,
    purge_cache,
    purge_sidecars,
)
from pe_dvc.usecases.revoke.withdrawn import Withdrawn, newer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pe_dvc.documents.payload import Payload
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.cache import Cache
    from pe_dvc.usecases.purge import Held


_SEEN = ".dvc/tmp/pe_dvc/purged"
"""The version of the role that the git hook purged by last."""


def purge_news(repo: DataRepo) -> Purged | None:
    """Purge by a version of the role that was not purged by in this clone; None if there is none.

    The checkout's files stay. Raises as ``purge``.
    """
    known, tree = known_here(repo.channel_files, repo), ConfinedTree(repo.root)
    if not known.artifacts or _last_seen(tree) == known.version:
        return None
    done = purge(countries=[repo.country])
    if not done.in_use:
        tree.write(_SEEN, str(known.version).encode())
    return done


def _last_seen(tree: ConfinedTree) -> int | None:
    try:
        return int(tree.read(_SEEN))
    except (FileNotFoundError, ValueError):
        return None


def purge(
    *,
    workspace: bool = False,
    store: str | None = None,
    countries: Collection[str] | None = None,
) -> Purged:
    """Remove what was withdrawn of each country from pe_dvc's cache, and in a clone from DVC's.

    ``countries`` are those that are trusted here, and the clone's, unless given. With ``workspace``
    also the files of the checkout go, except those that were changed. Raises VerificationError and
    StoreError, once the other countries are done; where a bucket cannot be reached, what this
    machine verified of it last counts. In a clone its own signed role does, where it is newer.
    """
    cache, repo, done = open_cache(), DataRepo.around(), Purged()
    if countries is None:
        countries = {*trusted_countries(), *([repo.country] if repo else [])}
    failures: list[PeDvcError] = []
    for country in sorted(countries):
        try:
            reader, known = _known(country, store)
        except PeDvcError as error:
            failures.append(error)
            continue
        own = None
        if repo is not None and repo.country == country:
            # A merge brings a withdrawal into git before a push publishes it.
            known = newer(known, signed_in_git(repo.channel_files))
            own = Clone(repo, [*known.artifacts.values()])
        for found in known.artifacts.values():
            _purge(cache, reader, own, found, done, workspace=workspace)
    if failures:
        note_once(f"{len(done.cache)} artifacts of other countries were removed from the cache")
        raise failures[0]
    return done


def _purge(
    cache: Cache,
    reader: Reader,
    clone: Clone | None,
    found: Revocation,
    done: Purged,
    *,
    workspace: bool,
) -> None:
    """Remove one artifact: the clone first, and last the lists that tell what else there is."""

    def list_of(payload: Payload) -> list[Held] | None:
        listed = listed_in_cache(cache, payload)
        return clone.listed(payload, found) if listed is None and clone is not None else listed

    contents = contents_of(found, _manifests(cache, reader, clone, found), list_of)
    left = len(done.in_use), len(done.kept)
    if clone is not None:
        clone.purge(contents, done, workspace=workspace)
    purge_cache(cache, found, contents.files, done)
    is_left = left != (len(done.in_use), len(done.kept))
    purge_sidecars(cache, found, keep_lists=is_left)


def _known(country: str, store: str | None) -> tuple[Reader, Withdrawn]:
    reader = Reader(country, store=store)
    try:
        known = reader.revocations.known()
    except (NotFoundError, StoreUnavailableError) as error:
        reader = Reader(country, store=store, offline=True)
        known = reader.revocations.known()
        note_once(f"{country}: {error.message}; removed is what was known to be withdrawn before")
    return reader, Withdrawn(version=known.version, artifacts=known.revocations)


def _manifests(
    cache: Cache, reader: Reader, clone: Clone | None, found: Revocation
) -> Iterator[bytes]:
    """Yield the manifests of a withdrawn artifact: the bucket's, those read before, the clone's."""
    with suppress(PeDvcError):
        yield read_manifest(reader.store, found.country, found.sha256, found.name)[0]
    yield from cache.manifests_naming(found.sha256)
    if clone is not None:
        yield from clone.manifests
