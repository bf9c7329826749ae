"""A hint for a reader whose mirror was never meant to hold what it asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import mirror_key
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.store.several import stores_of

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectSource


def mirror_hint(source: ObjectSource, country: str) -> str | None:
    """Return that a store is a mirror of a part, and what to do; None of any other store.

    It is not signed: it explains an error, and decides nothing. Of several stores it is said of
    those that are such mirrors.
    """
    said = [text for one in stores_of(source) if (text := _hint_of(one, country))]
    return "\n".join(said) or None


def _hint_of(source: ObjectSource, country: str) -> str | None:
    from pe_dvc.documents.mirror_note import NOTE_LIMIT, MirrorNote

    try:
        key = mirror_key(country)
        note = MirrorNote.from_bytes(source.read(key, limit=NOTE_LIMIT)[0], where=key)
    except PeDvcError:
        return None
    if note.is_everything:
        return None
    return (
        f"{source.url} is the mirror {note.name}, which holds only: {note.holds}. Read it from "
        "the country's own store, or from a mirror that holds everything."
    )
