"""What ``meta: pe:`` of a dataset in a dvc.yaml may say: its entities, weight, kind and gates.

Most of it is read without this, and without pydantic (``documents.plain_record``).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pe_dvc.documents.gates import Gates
from pe_dvc.documents.pydantic_reader import StrictRecord

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$", max_length=64)]


class DeclaredEntity(StrictRecord):
    """An entity: its key column, and by which columns it refers to other entities."""

    key: str
    references: dict[str, str] = Field(default_factory=dict)


class DatasetMeta(StrictRecord):
    """The mapping ``meta.pe`` of a dataset: its entities, weight, vintage and gates.

    Entities, keys and weight are asked of tables of microdata only.
    """

    country: str | None = None
    rows: str | None = None
    entities: dict[str, DeclaredEntity] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    types: dict[str, str] = Field(default_factory=dict)
    """The types of columns, of formats that hold none (csv)."""
    weight: str | None = None
    vintage: str | None = None
    provenance: str | None = None
    """The file in which the producer states what it was made from, beside the dvc.yaml."""
    licence: str | None = None
    citation: str | None = None
    kind: Kind | None = None
    """Where it is not given: ``microdata`` for tables, ``auxiliary`` for anything else."""
    profile: bool = True
    """Whether ``pe-dvc manifest write`` makes a profile of its tables."""
    gates: Gates = Field(default_factory=Gates)
    """What ``pe-dvc channel promote`` checks."""
