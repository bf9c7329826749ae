"""The declaration of a dataset: what ``artifacts.<name>.meta.pe`` of a dvc.yaml says about it.

An artifact without ``meta.pe`` is no dataset of pe_dvc's and is left alone, unless it surely was
meant to be one.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.misplaced_keys import refuse_slip
from pe_dvc.documents.plain_fields import RECORDS
from pe_dvc.documents.plain_record import read_plain_meta
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_distinct, check_inside, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.dataset_meta import DatasetMeta
    from pe_dvc.documents.dvc_artifact import DeclaredArtifact
    from pe_dvc.documents.manifest import Entity

MICRODATA, OTHER = "microdata", "auxiliary"
KINDS = (
    *(MICRODATA, "database", "geography", "weights", OTHER, "diagnostics", "evidence"),
    "calibration",
)
"""The kinds that PolicyEngine's releases have. Any other word may be one."""


class Declaration(NamedTuple):
    """One dataset: its name, its file, and what its columns mean."""

    name: str
    path: str
    country: str
    file: str
    meta: DatasetMeta
    description: str | None = None
    """DVC's ``desc``."""
    noted: str | None = None
    """The statement of its producer that an import noted beside the file."""

    @property
    def rows(self) -> str | None:
        """The entity that a row stands for, where the declaration says or leaves no choice."""
        entities = list(self.meta.entities)
        return self.meta.rows or (entities[0] if len(entities) == 1 else None)

    @property
    def hints(self) -> Hints:
        """What readers of formats are told."""
        keys = {name: entity.key for name, entity in self.meta.entities.items()}
        return Hints(keys=keys, columns=self.meta.columns, types=self.meta.types)

    @property
    def entities(self) -> dict[str, Entity]:
        """The entities in the form of a manifest."""
        from pe_dvc.documents.manifest import Entity  # pydantic's, for who writes one

        return {
            name: Entity(key=entity.key, references=dict(entity.references))
            for name, entity in self.meta.entities.items()
        }

    @property
    def provenance(self) -> str | None:
        """The path in the repo of the producer's statement: as declared, else as noted."""
        named, folder = self.meta.provenance, posixpath.dirname(self.file)
        return self.noted if named is None else posixpath.normpath(posixpath.join(folder, named))

    @property
    def provenance_where(self) -> str:
        """Where that path stands, for messages."""
        noted = self.meta.provenance is None and self.noted is not None
        key = "meta.pe.provenance"
        return f"{self.path}.dvc: {key}" if noted else self.where(key)

    def where(self, *keys: str) -> str:
        """Return where a key of this declaration stands, for messages."""
        return f"{self.file}: {'.'.join([_path_of(self.name), *keys])}"


def read_declarations(
    artifacts: Iterable[DeclaredArtifact], *, country: str
) -> tuple[Declaration, ...]:
    """Return the datasets among a repo's ``artifacts``, in the order of their names.

    ``country`` is the repo's. Raises FormatError naming the dvc.yaml, the key and the remedy.
    """
    found: dict[str, Declaration] = {}
    for artifact in artifacts:
        if not artifact.declares:
            refuse_slip(artifact, known=RECORDS["DatasetMeta"]["properties"])
            continue
        declaration = _read_one(artifact, country)
        other = found.setdefault(declaration.name, declaration)
        if other is not declaration:
            raise FormatError(
                f"the dataset {artifact.name} is declared in {other.file} too",
                where=declaration.where(),
                remedy="Rename one of the two: a dataset's name is unique in the repo.",
            )
    check_distinct(found, where="artifacts of dvc.yaml")
    return tuple(found[name] for name in sorted(found))


def _read_one(artifact: DeclaredArtifact, country: str) -> Declaration:
    path = _path_of(artifact.name)
    check_name(artifact.name, where=f"{artifact.file}: {path}")
    meta = read_plain_meta(artifact.meta["pe"], file=artifact.file, path=f"{path}.meta.pe")
    declaration = Declaration(
        name=artifact.name,
        path=check_inside(artifact.path, where=f"{artifact.file}: {path}.path"),
        country=country,
        file=artifact.file,
        meta=meta,
        description=_description(artifact),
        noted=artifact.noted,
    )
    _check_country(declaration)
    _check_entities(declaration)
    return declaration


def _description(artifact: DeclaredArtifact) -> str | None:
    found = artifact.others.get("desc")
    if found is None or isinstance(found, str):
        return found
    raise FormatError(
        "is no text",
        where=f"{artifact.file}: {_path_of(artifact.name)}.desc",
        remedy="Write one line about the dataset, in quotes.",
    )


def _path_of(name: str) -> str:
    return f"artifacts.{name}"


def _check_country(declaration: Declaration) -> None:
    given = declaration.meta.country
    if given is not None and given != declaration.country:
        raise FormatError(
            f"is {given!r}, while the repo's country is {declaration.country!r}",
            where=declaration.where("meta.pe.country"),
            remedy="Write the country of [tool.pe_dvc] in pyproject.toml here, or leave it out.",
        )


def _check_entities(declaration: Declaration) -> None:
    meta = declaration.meta
    if meta.rows is not None:
        _check_known(declaration, meta.rows, "rows")
    for name, entity in meta.entities.items():
        for other in entity.references:
            _check_known(declaration, other, "entities", name, "references", other)
    for column, entity_name in meta.columns.items():
        _check_known(declaration, entity_name, "columns", column)


def _check_known(declaration: Declaration, entity: str, *keys: str) -> None:
    entities = declaration.meta.entities
    if entity not in entities:
        raise FormatError(
            f"{entity!r} is not an entity of this dataset: it has {', '.join(entities) or 'none'}",
            where=declaration.where("meta.pe", *keys),
            remedy=f"Declare {entity} under meta.pe.entities, or name one that is there.",
        )
