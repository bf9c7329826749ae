"""A mirror's log of the channel's history: whether it is all there, and one with the origin's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import log_prefix
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.trust.channel_log import StoredLog
from pe_dvc.trust.log_memory import ShownLog
from pe_dvc.trust.log_tree import ProvenTree
from pe_dvc.usecases.mirror.wanted import Lacking

if TYPE_CHECKING:
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.state import SignedState


def log_faults(
    mirror: Store, state: SignedState, origin: Store, ahead: SignedState | None
) -> list[Lacking]:
    """Find what is missing or altered of the mirror's log, and a history that the origin has not.

    ``state`` is the mirror's and ``ahead`` the origin's, where that answers. Raises StoreError.
    """
    mine = ShownLog(state.timestamp.data, state.snapshot.data, mirror.url)
    if mine.state is None:
        return []
    country, number = state.channels.country, mine.tree.number
    key, found = log_prefix(country, number), list[Lacking]()
    try:
        StoredLog(mirror, country, number).check(mine.tree)
    except (VerificationError, NotFoundError) as error:
        found.append(Lacking(key=key, what="log", detail=error.message))
    if ahead is None:
        return found
    theirs = ShownLog(ahead.timestamp.data, ahead.snapshot.data, origin.url)
    if theirs.state is None or theirs.tree.number != number:
        return found
    store, longer, shorter = (origin, theirs, mine)
    if mine.tree.size > theirs.tree.size:
        store, longer, shorter = (mirror, mine, theirs)
    tree = ProvenTree(longer.tree, StoredLog(store, country, number), [])
    try:
        root = tree.root_of(shorter.tree.size)
    except VerificationError as error:
        return [*found, Lacking(key=key, what="log", detail=error.message)]
    if root != shorter.tree.root:
        said = (
            f"its history of {country} is not the one of {origin.url}: of the "
            f"{longer.tree.size} entries in {longer.place}, the first {shorter.tree.size} are not "
            f"those of {shorter.place}. Both are signed: holders of the keys show different data"
        )
        found.append(Lacking(key=key, what="history", detail=said))
    return found
