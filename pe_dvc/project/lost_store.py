"""A store that was lost, which must not be published to as if it were a new one."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.primitives.errors import ConflictError, PeDvcError
from pe_dvc.store.port import head_if_there

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store


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
    from pe_dvc.project.mirror_place import filled_mirrors
    from pe_dvc.usecases.mirror.state import read_state

    states, roots = {}, repo.signed_metadata().root_files
    for name, mirror in filled_mirrors(repo).items():
        with suppress(PeDvcError):
            states[name] = read_state(repo.open_other(mirror.url), repo.country, roots).version
    return states
