"""``codebook.yaml``: what a data repo says of columns and entities, over what its model says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from pe_dvc.documents.codebook import Codebook, CodedValue, EntityText, Variable
from pe_dvc.documents.pydantic_reader import StrictRecord, read_strict
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_in_work_tree

FILE = "codebook.yaml"


class DeclaredVariable(StrictRecord):
    """What a repo says of one column."""

    label: str | None = None
    unit: str | None = None
    description: str | None = None
    references: list[str] = Field(default_factory=list)
    values: dict[bool | int | float | str, str] = Field(default_factory=dict)
    """What a value means, by the value."""


class DeclaredEntity(StrictRecord):
    """What a repo says of one entity."""

    label: str | None = None
    plural: str | None = None
    description: str | None = None


class DeclaredCodebook(StrictRecord):
    """The whole file.

    ``model`` is a file that ``pe-dvc codebook write`` made in the model's environment, or false:
    then no model is asked. Without it the installed model package is.
    """

    model: str | bool | None = None
    entities: dict[str, DeclaredEntity] = Field(default_factory=dict)
    columns: dict[str, DeclaredVariable] = Field(default_factory=dict)

    @property
    def asks_installed_model(self) -> bool:
        """Whether the model package that is installed is to be asked."""
        return self.model is None or self.model is True

    @property
    def model_file(self) -> str | None:
        """The file with the model's codebook, None without one."""
        return self.model if isinstance(self.model, str) else None

    def codebook(self) -> Codebook:
        """Return the same as a codebook."""
        return Codebook(
            variables={name: _variable(one) for name, one in self.columns.items()},
            entities={name: EntityText(**one.model_dump()) for name, one in self.entities.items()},
        )


def read_declared_codebook(value: Mapping[str, Any]) -> DeclaredCodebook:
    """Check what ``codebook.yaml`` holds. Raises FormatError, which names the key."""
    for section in ("columns", "entities"):
        parts = value.get(section)
        for name in parts if isinstance(parts, Mapping) else ():
            if not isinstance(name, str):
                raise FormatError(
                    f"{name!r} is not a text",
                    where=f"{FILE}: {section}",
                    remedy=f'Write it in quotes: "{name}".',
                )
    found = read_strict(DeclaredCodebook, value, file=FILE, path="codebook")
    if found.model_file is not None:
        try:
            check_in_work_tree(found.model_file)
        except FormatError:
            raise FormatError(
                f"{found.model_file!r} is not a path in the repo: expected a relative one without "
                "'..', and not in .git or .dvc",
                where=f"{FILE}: model",
                remedy="Write it relative to the repo, with forward slashes.",
            ) from None
    return found


def _variable(declared: DeclaredVariable) -> Variable:
    return Variable(
        label=declared.label,
        unit=declared.unit,
        description=declared.description,
        references=tuple(declared.references),
        values=tuple(CodedValue(value=v, label=label) for v, label in declared.values.items()),
    )
