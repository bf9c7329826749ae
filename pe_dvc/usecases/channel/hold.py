"""``pe-dvc channel hold`` and ``release-hold``: datasets of ``latest`` that no build may move."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer_notes import HOLD, hold_note, hold_of
from pe_dvc.primitives.errors import GateError, NotFoundError
from pe_dvc.primitives.names import say_which_there_are
from pe_dvc.primitives.sizes import counted
from pe_dvc.usecases.channel.build_pointers import is_same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.pointer import Pointer


def held(latest: Mapping[str, Pointer], name: str, *, reason: str, by: str) -> list[Pointer]:
    """Return the pointers of ``latest`` with ``name`` held. Raises NotFoundError, FormatError."""
    note = hold_note(reason, by)
    pointer = _of(latest, name)
    return [*_others(latest, name), replace(pointer, notes={**pointer.notes, **note})]


def released(latest: Mapping[str, Pointer], name: str) -> list[Pointer]:
    """Return the pointers of ``latest`` with ``name`` not held. Raises NotFoundError."""
    pointer = _of(latest, name)
    if hold_of(pointer) is None:
        names = [other for other, one in latest.items() if hold_of(one)]
        raise NotFoundError(
            f"{name} is not held in latest",
            remedy=f"Held are {', '.join(names)}." if names else "No dataset is held.",
        )
    notes = {key: note for key, note in pointer.notes.items() if key != HOLD}
    return [*_others(latest, name), replace(pointer, notes=notes)]


def refuse_held(
    latest: Mapping[str, Pointer], standing: Mapping[str, Pointer], nominated: Iterable[Pointer]
) -> None:
    """Refuse to nominate what is held in ``latest``, unless ``next``, ``standing``, has it.

    Raises GateError.
    """
    failures = tuple(
        f"{pointer.name} is held: {why}"
        for pointer in nominated
        if not (pointer.name in standing and is_same(standing[pointer.name], pointer))
        if pointer.name in latest and (why := hold_of(latest[pointer.name]))
    )
    if failures:
        said = counted(len(failures), "dataset")
        raise GateError(
            "\n  ".join([f"{said} held, so nothing was nominated:", *failures]),
            failures=failures,
            remedy="Name the others (pe-dvc channel promote latest next NAME…), or end it: "
            "pe-dvc channel release-hold NAME",
        )


def _of(latest: Mapping[str, Pointer], name: str) -> Pointer:
    if name not in latest:
        raise NotFoundError(
            f"latest has no dataset {name!r}", remedy=say_which_there_are(name, list(latest))
        )
    return latest[name]


def _others(latest: Mapping[str, Pointer], name: str) -> list[Pointer]:
    return [pointer for other, pointer in latest.items() if other != name]
