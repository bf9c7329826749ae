"""A mirror's log of the channel's history: whether it is one with the origin's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import log_prefix
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.trust.channel_log import StoredLog
from pe_dvc.trust.log_memory import ShownLog
from pe_dvc.trust.log_tree import ProvenTree
from pe_dvc.usecases.mirror.wanted import Lacking

if TYPE_CHECKING:
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.state import SignedState


def other_history(
    mirror: Store, state: SignedState, origin: Store, ahead: SignedState
) -> Lacking | None:
    """Return what there is of a mirror's history that the origin has not, None if it is the same.

    ``state`` is the mirror's and ``ahead`` the origin's; the logs of both are whole
    (``check_log``), or the one that lacks something is named. Raises StoreError.
    """
    mine = ShownLog(state.timestamp.data, state.snapshot.data, mirror.url)
    theirs = ShownLog(ahead.timestamp.data, ahead.snapshot.data, origin.url)
    if mine.state is None or theirs.state is None or theirs.tree.number != mine.tree.number:
        return None
    country, number = state.channels.country, mine.tree.number
    key = log_prefix(country, number)
    store, longer, shorter = (origin, theirs, mine)
    if mine.tree.size > theirs.tree.size:
        store, longer, shorter = (mirror, mine, theirs)
    tree = ProvenTree(longer.tree, StoredLog(store, country, number), [])
    try:
        root = tree.root_of(shorter.tree.size)
    except VerificationError as error:
        return Lacking(key=key, what="log", detail=error.message)
    if root == shorter.tree.root:
        return None
    said = (
        f"its history of {country} is not the one of {origin.url}: of the "
        f"{longer.tree.size} entries in {longer.place}, the first {shorter.tree.size} are not "
        f"those of {shorter.place}. Both are signed: holders of the keys show different data"
    )
    return Lacking(key=key, what="history", detail=said)
