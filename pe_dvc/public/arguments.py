"""Arguments as people write them."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.primitives.reference import Reference


def names_of(names: Sequence[str]) -> Sequence[str]:
    """Return a list of names where one was given as text, which is a sequence of letters."""
    return [names] if isinstance(names, str) else names


def paths_of(files: Sequence[Path | str] | Path | str) -> list[Path]:
    """Return paths where one was given alone, or as texts."""
    given = [files] if isinstance(files, str | PathLike) else files
    return [Path(file) for file in given]


def references_of(
    references: Sequence[str | Reference] | str | Reference,
) -> Sequence[str | Reference]:
    """Return a list of references where one was given alone."""
    from pe_dvc.primitives.reference import Reference

    return [references] if isinstance(references, str | Reference) else references
