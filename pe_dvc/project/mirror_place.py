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
    from pe_dvc.adapters.stores.s3_copy import S3Copy
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
