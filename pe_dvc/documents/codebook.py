"""The codebook: what the columns and entities of an artifact mean. ADR 0023.

A sidecar of the manifest, made of what the model package says of its variables and of what a repo
declares in ``codebook.yaml``. It holds nothing that was computed from the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from pydantic import Field

from pe_dvc.documents.disclosure import Access
from pe_dvc.documents.model import Document, Record, is_empty

if TYPE_CHECKING:
    from collections.abc import Collection


Part = TypeVar("Part", bound=Record)


class CodedValue(Record):
    """A value that a column may hold, and what it means."""

    value: bool | int | float | str
    label: str


class Variable(Record):
    """What one column means. What is not known is left out."""

    label: str | None = None
    unit: str | None = None
    """As the model names it: ``currency-USD``, ``/1`` for a share, ``year``."""
    description: str | None = None
    references: tuple[str, ...] = Field(default=(), exclude_if=is_empty)
    """Laws and other sources, mostly URLs."""
    values: tuple[CodedValue, ...] = Field(default=(), exclude_if=is_empty)
    entity: str | None = None
    """The entity that the model defines it for."""
    period: str | None = None
    """The period that one value is of: ``year``, ``month``, ``day`` or ``eternity``."""
    quantity: Literal["stock", "flow"] | None = None


class EntityText(Record):
    """What people call an entity."""

    label: str | None = None
    plural: str | None = None
    description: str | None = None


class LabelSource(Record):
    """The package that meanings were taken from."""

    name: str
    version: str


class Codebook(Document):
    """The meaning of variables, by the names of columns, and of entities, by theirs."""

    kind: ClassVar[str] = "codebook"

    access: Access | None = None
    """Whether the microdata are public or gated, as the data repo says."""
    sources: tuple[LabelSource, ...] = Field(default=(), exclude_if=is_empty)
    entities: dict[str, EntityText] = Field(default_factory=dict, exclude_if=is_empty)
    variables: dict[str, Variable] = Field(default_factory=dict, exclude_if=is_empty)

    def variable(self, name: str) -> Variable:
        """Return what a column means; an empty answer where nothing is known."""
        return self.variables.get(name) or Variable()

    def entity(self, name: str) -> EntityText:
        """Return what an entity is; an empty answer where nothing is known."""
        return self.entities.get(name) or EntityText()

    def only(self, columns: Collection[str], entities: Collection[str]) -> Codebook:
        """Return what it says of these columns, and of these entities."""
        variables = {name: one for name, one in self.variables.items() if name in columns}
        named = {name: one for name, one in self.entities.items() if name in entities}
        sources = self.sources if variables or named else ()
        update = {"variables": variables, "entities": named, "sources": sources}
        return self.model_copy(update=update)

    def overlaid(self, declared: Codebook) -> Codebook:
        """Return the same where ``declared`` says nothing, field by field."""
        return self.model_copy(
            update={
                "variables": _overlaid(self.variables, declared.variables),
                "entities": _overlaid(self.entities, declared.entities),
            }
        )


EMPTY = Codebook()


def _overlaid(below: dict[str, Part], above: dict[str, Part]) -> dict[str, Part]:
    found = dict(below)
    for name, part in above.items():
        # Fields of a newer version, and anything else that a document holds, are not looked up.
        said = part.model_dump(exclude_defaults=True).keys() & type(part).model_fields.keys()
        update = {field: getattr(part, field) for field in said}
        found[name] = found[name].model_copy(update=update) if name in found else part
    return found
