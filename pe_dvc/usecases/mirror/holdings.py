"""All that a mirror of a store is to hold beside signed metadata, by the store's own account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.usecases.mirror.pointed import PointedArtifacts
from pe_dvc.usecases.mirror.wanted import Collector, objects_of

if TYPE_CHECKING:
    from pe_dvc.documents.mirrors import Selection
    from pe_dvc.usecases.mirror.known_manifests import KnownManifests
    from pe_dvc.usecases.mirror.state import SignedState
    from pe_dvc.usecases.mirror.wanted import Holdings


def holdings_of(
    state: SignedState, selection: Selection, *, known: KnownManifests | None = None
) -> Holdings:
    """Return what ``selection`` takes of what is published in the store of ``state``.

    The store is not asked for manifests, releases and versions of channels that are ``known``.
    Raises FormatError, VerificationError, NotFoundError and StoreError.
    """
    store, country = state.channels.store, state.channels.country
    pointed = PointedArtifacts(state, selection, known=known)
    collector = Collector(store, country, objects_of(store, country), state.withdrawn, known=known)
    for key, what, sha256 in pointed.documents():
        collector.add_document(key, what, sha256)
    collector.add_pointed(pointed.wanted)
    if selection.is_everything:
        collector.add_rest()
    collector.found.left_out = pointed.left_out
    return collector.found
