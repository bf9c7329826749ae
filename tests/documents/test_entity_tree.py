from __future__ import annotations

import pytest

from pe_dvc.documents.entity_tree import entity_tree
from pe_dvc.documents.manifest import Entity


def tree(**references: list[str]) -> list[str]:
    """Return the lines of a tree of entities, each with those that it refers to."""
    entities = {
        name: Entity(key=f"{name}_id", references={other: f"{other}_id" for other in others})
        for name, others in references.items()
    }
    return [lead + name for lead, name in entity_tree(entities)]


def test_persons_stand_below_the_narrowest_unit() -> None:
    found = tree(
        person=["household", "tax_unit", "spm_unit"],
        tax_unit=["household"],
        spm_unit=["household"],
        household=[],
    )
    assert found == ["household", "├─ tax_unit", "│  └─ person", "└─ spm_unit"]


@pytest.mark.parametrize(
    "references",
    [
        {"a": ["a"]},
        {"a": ["b"], "b": ["a"]},
        {"a": ["b"], "b": ["c"], "c": ["a"]},
        {"x": ["a"], "b": ["a"], "a": ["b"]},
        {"x": ["gone"]},
        {},
    ],
)
def test_every_entity_stands_once_whatever_refers_to_what(references: dict[str, list[str]]) -> None:
    found = sorted(line.lstrip("├─└│ ") for line in tree(**references))
    assert found == sorted(references)
