"""``pe-dvc mirror restore``: a bucket that was lost, filled again from one of its mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import mirror_key
from pe_dvc.documents.mirrors import mirror_named
from pe_dvc.primitives.errors import ConflictError, RollbackError
from pe_dvc.project.mirror_place import check_apart, server_copy
from pe_dvc.project.root import FILE
from pe_dvc.usecases.mirror.sync import Sync

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
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
