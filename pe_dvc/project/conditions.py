"""Is a bucket one in which publishers do not overwrite each other? Tried once on each machine."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.project import directories
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.trust.bucket_identity import bucket_id
from pe_dvc.usecases.publish.conditions import check_conditions

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store

TRIED = "conditional-writes"
"""Directory of the state with an empty file for each bucket that was tried and keeps them."""

log = logging.getLogger(__name__)


def probe(repo: DataRepo, store: Store) -> None:
    """Raise StoreError for a bucket that ignores conditional writes, unless the repo allows it.

    Tried where this machine has not tried it yet; who was first at the bucket may have used a
    pe_dvc that did not try, or another server may answer now. Raises StoreError.
    """
    if repo.settings.single_publisher or _was_tried(store):
        return
    check_conditions(store, repo.country)
    # Where nothing can be kept it is tried again each time.
    with suppress(PeDvcError, OSError):
        tried = ConfinedTree(directories.state_dir() / TRIED, modes=PRIVATE)
        tried.write(bucket_id(store.url), b"")


def _was_tried(store: Store) -> bool:
    try:
        return (directories.state_dir() / TRIED / bucket_id(store.url)).exists()
    except (PeDvcError, OSError):
        return False


def probe_early(repo: DataRepo) -> str | None:
    """As ``probe`` of the repo's store, before there is anything to publish.

    Returns why it could not be tried: no store is known yet, or it cannot be reached or written.
    """
    try:
        probe(repo, repo.open_store())
    except (NotFoundError, StorePermissionError, StoreUnavailableError) as error:
        log.info("conditional writes were not tried: %s", error.message)
        return error.message
    return None
