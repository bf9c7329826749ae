"""Artifacts that declare a dataset where pe_dvc does not look: ``pe`` misspelt or misplaced.

DVC's ``meta`` is free, so that an artifact without ``meta.pe`` is as good as any other. What surely
was meant for pe_dvc is an error, or a dataset would go missing in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from pe_dvc.documents.dvc_artifact import DeclaredArtifact

ALIKE = 0.5
"""How alike to ``pe`` a short key must be (1.0 is equal) to be it misspelt, such as ``ep``."""


def refuse_slip(artifact: DeclaredArtifact, *, known: Collection[str]) -> None:
    """Raise FormatError if an artifact without ``meta.pe`` was meant to have one.

    ``known`` are the keys of ``meta.pe``.
    """
    where = f"{artifact.file}: artifacts.{artifact.name}"
    if _declares(artifact.meta):
        raise FormatError(
            "declares a dataset, but the level pe: is missing",
            where=f"{where}.meta",
            remedy="Write it under meta.pe.",
        )
    for key, value in _items(artifact.meta):
        if _is_pe(key, value, known):
            raise FormatError(
                "declares a dataset under a key that pe_dvc does not read",
                where=f"{where}.meta.{key}",
                remedy="Did you mean pe? pe_dvc reads only datasets under meta.pe.",
            )
    for key, value in artifact.others.items():
        if _is_pe(key, value, known):
            raise FormatError(
                "is next to meta, not under it",
                where=f"{where}.{key}",
                remedy="Write it as meta.pe.",
            )
        if any(_is_pe(inner, deeper, known) for inner, deeper in _items(value)):
            raise FormatError(
                "is not a key that DVC knows",
                where=f"{where}.{key}",
                remedy="Did you mean meta? A dataset is declared under meta.pe.",
            )


def _is_pe(key: Any, value: Any, known: Collection[str]) -> bool:
    name = str(key).strip().casefold()
    if name == "pe" or _declares(value):
        return True
    from difflib import SequenceMatcher

    alike = len(name) <= 3 and SequenceMatcher(None, name, "pe").ratio() >= ALIKE
    longer = name.startswith(("pe_", "pe-"))
    return (alike or longer) and any(key in known for key, _ in _items(value))


def _declares(value: Any) -> bool:
    """Tell whether a value has entities with keys, as nothing but a declaration of ours has."""
    entities = dict(_items(value)).get("entities")
    return any("key" in dict(_items(entity)) for _, entity in _items(entities))


def _items(value: Any) -> Collection[tuple[Any, Any]]:
    return value.items() if isinstance(value, Mapping) else ()
