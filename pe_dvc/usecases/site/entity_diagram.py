"""Where the entities of a dataset are drawn: those below others further down and to the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset

STEP, INDENT, WIDTH, HEIGHT = 40, 36, 190, 28
LONGEST = 24
"""Characters of a name that a box holds."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """An entity: its name as it fits, its key, and where its box is."""

    name: str
    shown: str
    key: str
    x: int
    y: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A reference: from the box of the wider entity down, then right to the one that refers."""

    x: int
    top: int
    bottom: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Refers:
    """The same in words: units of ``entity`` name those of ``other`` by a column."""

    entity: str
    other: str
    column: str


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """All of it, in a picture of this size."""

    width: int
    height: int
    box_width: int
    box_height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    references: tuple[Refers, ...]


def entity_diagram(dataset: Dataset) -> Diagram | None:
    """Return the diagram of a dataset's entities, None of one without any."""
    entities = dataset.manifest.table.entities
    boxes = {
        name: Box(
            name=name,
            shown=name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…",
            key=entities[name].key,
            x=len(lead) // 3 * INDENT,
            y=row * STEP,
        )
        for row, (lead, name) in enumerate(dataset.entity_tree)
    }
    if not boxes:
        return None
    refers = [
        Refers(entity=name, other=other, column=column)
        for name in boxes
        for other, column in entities[name].references.items()
        if other in boxes and other != name
    ]
    return Diagram(
        width=max(box.x for box in boxes.values()) + WIDTH,
        height=len(boxes) * STEP - STEP + HEIGHT,
        box_width=WIDTH,
        box_height=HEIGHT,
        boxes=tuple(boxes.values()),
        lines=tuple(_line(boxes[one.other], boxes[one.entity]) for one in refers),
        references=tuple(refers),
    )


def _line(wider: Box, narrower: Box) -> Line:
    return Line(
        x=wider.x + INDENT // 3,
        top=wider.y + HEIGHT,
        bottom=narrower.y + HEIGHT // 2,
        end=narrower.x,
    )
