"""``pe-dvc mirror restore``: a bucket that was lost, filled again from one of its mirrors."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key, mirror_key
from pe_dvc.documents.mirrors import mirror_named
from pe_dvc.primitives.errors import ConflictError, PeDvcError, RollbackError
from pe_dvc.project.mirror_place import check_apart, filled_mirrors, server_copy
from pe_dvc.project.root import FILE
from pe_dvc.store.presence import head_if_there
from pe_dvc.usecases.mirror.state import read_state
from pe_dvc.usecases.mirror.sync import Sync

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.sync import Synced
    from pe_dvc.usecases.progress import Reporter


def restore(
    repo: DataRepo, name: str, *, store: str | None = None, reporter: Reporter | None = None
) -> Synced:
    """Copy what the store lacks from the mirror ``name``, and then the signed state.

    Versions go on from there, so that readers who saw them go on as well. Raises NotFoundError
    for an unknown name and a mirror that was never filled, ConflictError for a store that has a
    newer state, and as ``Sync.run``.
    """
    mirror = mirror_named(name, repo.settings.mirrors, where=str(repo.root / FILE))
    check_apart(repo, mirror.url, store)
    copies, lost = repo.open_other(mirror.url), repo.open_store(store)
    sync = Sync(copies, lost, repo.country, repo.signed_metadata().root_files, name=name)
    try:
        done = sync.run(mirror, server=server_copy(copies, lost), reporter=reporter)
    except RollbackError as error:
        raise ConflictError(
            f"{lost.url} has a newer state than the mirror {name}: {error.message}",
            remedy="Nothing was changed. What single objects it lost comes back by pe-dvc fsck "
            f"--repair --mirror {name}.",
        ) from None
    lost.delete([mirror_key(repo.country)])  # the note by which a mirror says what it holds
    return done


def is_published(store: Store, country: str) -> bool:
    """Tell whether a store has channels of a country. Raises StoreError."""
    return head_if_there(store, metadata_key(country, "timestamp")) is not None


def check_not_lost(repo: DataRepo, store: Store, given: str | None) -> None:
    """Raise ConflictError for an empty store of which a mirror has the state that readers saw.

    A publication would leave out what was published earlier; and in a clone that does not know
    what readers have seen, it would start at version 1, which they refuse. A store that the user
    names (``given``) is another one.
    """
    if given or os.environ.get("PE_DVC_STORE") or not repo.settings.mirrors:
        return
    if is_published(store, repo.country):
        return
    states = _states_of_mirrors(repo)
    if not states:
        return
    name = max(states, key=lambda one: (states[one], repo.settings.mirrors[one].is_everything))
    raise ConflictError(
        f"{store.url} has nothing of {repo.country}, and its mirror {name} has state "
        f"{states[name]}: after a push, what was published earlier would be missing there",
        remedy=f"Nothing was pushed. Bring the bucket back: pe-dvc mirror restore {name}. Then "
        "push again.",
    )


def _states_of_mirrors(repo: DataRepo) -> dict[str, int]:
    """Return the signed state of each mirror that answers, and that was filled."""
    states, roots = {}, repo.signed_metadata().root_files
    for name, mirror in filled_mirrors(repo).items():
        with suppress(PeDvcError):
            states[name] = read_state(repo.open_other(mirror.url), repo.country, roots).version
    return states
