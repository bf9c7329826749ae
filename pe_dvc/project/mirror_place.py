"""Where a mirror lies: apart from the store, and whether the server can copy from there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.project.stores import place_of
from pe_dvc.store.home import expand_home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.adapters.stores.s3_copy import S3Copy
    from pe_dvc.documents.mirrors import MirrorTable
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store


def check_apart(repo: DataRepo, url: str, store: str | None = None) -> None:
    """Raise ConflictError for a mirror that is the store, lies within it or around it.

    So for one within the repo, where ``git add`` would commit the data. Raises FormatError for
    what is no store's address.
    """
    origin, root = repo.store_url(store), _parts(str(repo.root))
    one, other = _parts(origin), _parts(url)
    if other[: len(root)] == root:
        raise ConflictError(
            f"the mirror {url} lies within this repo, {repo.root}: git add would commit its data",
            remedy="Nothing was changed. Give it a directory of its own outside of the repo.",
        )
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        raise ConflictError(
            f"the mirror {url} and the store {origin} are one place, or one lies within the other",
            remedy="Nothing was changed. A mirror must survive the loss of the store: give it a "
            "bucket or a directory of its own.",
        )


def check_new(repo: DataRepo, name: str, mirror: MirrorTable) -> None:
    """Raise ConflictError for a mirror that is to be declared, and is no place of its own.

    One on a hub is: it is never filled.
    """
    if mirror.is_hub:
        return
    check_apart(repo, mirror.url)
    if mirror.is_filled_of(repo.country):
        others = filled_mirrors(repo)
        check_not_within(name, mirror, others)
        for other, one in others.items():
            check_not_within(other, one, {name: mirror})


def filled_mirrors(repo: DataRepo) -> dict[str, MirrorTable]:
    """Return the declared mirrors that syncs of this repo fill, by name."""
    declared = sorted(repo.settings.mirrors.items())
    return {name: one for name, one in declared if one.is_filled_of(repo.country)}


def check_not_within(name: str, mirror: MirrorTable, others: Mapping[str, MirrorTable]) -> None:
    """Raise ConflictError for a mirror within another one: what is lost with that is lost with it.

    Of two that are one place, the first by name counts.
    """
    own = _parts(mirror.url)
    for other, one in others.items():
        around = _parts(one.url)
        if other == name or own[: len(around)] != around or (own == around and name < other):
            continue
        how = "are one place" if own == around else "are no two places: the first lies within it"
        raise ConflictError(
            f"the mirror {name}, {mirror.url}, and the mirror {other}, {one.url}, {how}",
            remedy="Each copy needs a place of its own: give one of them another bucket or "
            f"directory, or keep one only: pe-dvc mirror remove {name}",
        )


def server_copy(origin: Store, mirror: Store) -> S3Copy | None:
    """Return what has the server copy from one store to the other, None where it cannot."""
    from pe_dvc.adapters.stores.s3_copy import server_copy_of

    return server_copy_of(origin, mirror)


def _parts(url: str) -> tuple[str, ...]:
    """Return an address as parts, of which that of a store within it begins with the same."""
    place = place_of(url)
    if place is not None:
        scheme, bucket, prefix = place
        return (scheme, bucket, *(part for part in prefix.split("/") if part))
    path = Path(unquote(urlsplit(url).path)) if "://" in url else expand_home(url)
    return ("file", *Path(os.path.realpath(path)).parts)
