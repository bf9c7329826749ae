"""The pointers of ``latest`` after a build: held or rolled back datasets do not move."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.pointer_notes import hold_of, left_by, rollback_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.pointer import Pointer


class NextPointers(NamedTuple):
    """The pointers that ``latest`` gets, and why some datasets stay, by name."""

    pointers: tuple[Pointer, ...]
    stay: dict[str, str]


def next_pointers(built: Iterable[Pointer], current: Mapping[str, Pointer]) -> NextPointers:
    """Return what becomes of ``latest``, which is ``current``, after a build.

    A pointer to what a dataset is already stays as it is, with its notes. If it says of the file
    what the manifest does not, that is put right; one that says nothing of it, as earlier versions
    wrote them, is left, so that an upgrade changes no channel. A held dataset stays, also if the
    build does not have it any more.
    """
    wanted = {pointer.name: pointer for pointer in built}
    stay: dict[str, str] = {}
    for name, pointer in current.items():
        new = wanted.get(name)
        if new is not None and is_same(new, pointer):
            contradicts = pointer.file is not None and pointer.file != new.file
            wanted[name] = replace(pointer, file=new.file) if contradicts else pointer
        elif why := why_it_stays(pointer, new.sha256 if new else None):
            wanted[name], stay[name] = pointer, why
    return NextPointers(pointers=tuple(wanted.values()), stay=stay)


def why_it_stays(pointer: Pointer, built: str | None) -> str | None:
    """Return why a build of other bytes or another manifest does not move a pointer.

    ``built`` is the sha256 of the built artifact, None for a dataset that is no longer built. None
    if the build moves it.
    """
    if held := hold_of(pointer):
        return f"held: {held}"
    if built is not None and built == left_by(pointer):
        return f"went back from this build to {rollback_of(pointer)}"
    return None


def is_same(one: Pointer, other: Pointer) -> bool:
    """Tell whether two pointers mean the same bytes, described alike."""
    return (one.sha256, one.manifest_sha256) == (other.sha256, other.manifest_sha256)
