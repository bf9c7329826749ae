"""What the makers of sidecars are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.project.manifest_codebook import Codebooks


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a dataset's sidecars are made from, beside its manifest."""

    codebooks: Codebooks
    declaration: Declaration
    file: DataFile
