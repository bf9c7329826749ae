"""Pins read from several stores: the manifest that one of them shows is not signed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.store.several import PASSED_OVER, SeveralStores, first_good

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.primitives.reference import Reference
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.read.resolve import Resolved

log = logging.getLogger(__name__)


def is_unsigned_of_several(resolved: Resolved, store: ReadableStore) -> bool:
    """Tell whether one of several stores may have made up where the bytes lie and how many."""
    is_whole = resolved.reference.member is None
    return is_whole and not resolved.manifest_verified and isinstance(store, SeveralStores)


def signed_pin(
    pin: Reference, sha256: Sha256, resolve: Callable[[Reference], Resolved]
) -> Resolved | None:
    """Return what a pin means as a channel signs it now, None if none does.

    ``sha256`` is that of the file or directory that is meant. A pin needs no channel, so it does
    not matter why one cannot be read.
    """
    for channel in CHANNELS:
        try:
            found = resolve(replace(pin, sha256=None, release=None, channel=channel))
        except PeDvcError:
            return None
        if found.sha256 == sha256:
            return replace(found, reference=pin)
    return None


def fetch_pin(
    resolved: Resolved,
    store: ReadableStore,
    resolve: Callable[[Reference, ReadableStore], Resolved],
    fetch: Callable[[Resolved, ReadableStore], Path],
) -> tuple[Resolved, Path]:
    """Return a verified file by ``fetch``, and the manifest that led to it.

    Where what ``resolved`` says leads to nothing, so may what the other stores show, by
    ``resolve``: the manifest and the payload are one attempt. A signed one is the only attempt.
    Raises as these do.
    """
    if not isinstance(store, SeveralStores) or not is_unsigned_of_several(resolved, store):
        return resolved, fetch(resolved, store)

    def attempt(shown: Resolved, first: list[ReadableStore]) -> tuple[Resolved, Path]:
        # Others are not accused by a manifest that may be a lie.
        others = [one for one in store.in_order() if one not in first]
        return shown, fetch(shown, SeveralStores([*first, *others], log.info))

    try:
        return attempt(resolved, [])
    except PASSED_OVER as error:
        log.info("%s: each store's own manifest is tried: %s", resolved.reference, error.message)
    return first_good(store, lambda one: attempt(resolve(resolved.reference, one), [one]))


def as_signed_now(resolved: Resolved, resolve: Callable[[Reference], Resolved]) -> Resolved:
    """Return a pin as a channel signs it now, if one does: then parts can be verified."""
    if resolved.pointer is not None:
        return resolved
    found = signed_pin(resolved.reference, resolved.sha256, resolve)
    return found or resolved  # the whole is verified by the pin itself
