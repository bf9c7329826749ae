"""Which mirrors are distinct: two addresses of the same place hold only one copy.

A bind mount, a link, an alias of a bucket: addresses do not tell. A note that is written through
one address, and shows at another, does.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

from pe_dvc.documents.keys import publisher_lock_key
from pe_dvc.primitives.errors import NotFoundError, PeDvcError
from pe_dvc.usecases.retention.bucket_note import noted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.store.port import Store


def distinct_mirrors(origin: Store, mirrors: Sequence[Store], country: str) -> list[list[Store]]:
    """Return the mirrors by place, without those that are ``origin`` itself by another address.

    Those that take no note, as they can only be read, cannot be told apart: they are one place
    together, and none where that may be the origin.
    """
    with ExitStack() as stack:
        notes = [(mirror, _note(stack, mirror, country)) for mirror in mirrors]
        ours = _note(stack, origin, country)
        places: list[list[Store]] = []
        for mirror, note in notes:
            if note is None or _may_show(origin, note):
                continue
            same = next((p for p in places if any(_may_show(one, note) for one in p)), None)
            if same is None:
                places.append([mirror])
            else:
                same.append(mirror)
        known = [note for _, note in notes if note is not None]
        rest = [
            mirror
            for mirror, note in notes
            if note is None and ours and not any(_may_show(mirror, one) for one in (ours, *known))
        ]
    return [*places, rest] if rest else places


def _note(stack: ExitStack, store: Store, country: str) -> str | None:
    """Write a note that lasts as long as ``stack``; return its key, None if it is not taken."""
    key = publisher_lock_key(country, f"copies-{uuid4().hex}")
    try:
        stack.enter_context(noted(store, key))
    except PeDvcError:
        return None
    return key


def _may_show(store: Store, key: str) -> bool:
    """Tell whether a store has an object, or does not say that it has none."""
    try:
        store.head(key)
    except NotFoundError:
        return False
    except PeDvcError:
        return True
    return True
