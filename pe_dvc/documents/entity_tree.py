"""The entities of a dataset as a tree: persons below the households that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.documents.manifest import Entity


def entity_tree(entities: Mapping[str, Entity]) -> Iterator[tuple[str, str]]:
    """Yield each entity once, as the lines and corners before it and its name.

    An entity stands below the narrowest of those that it refers to: a person of a tax unit that is
    of a household stands below the tax unit. Entities that refer to each other stand at the top.
    """
    parents = {name: _parent(name, entities) for name in entities}
    tops = [name for name in entities if _top(name, parents)]
    for top in tops:
        yield "", top
        yield from _below(top, parents, "", {top})


def _below(
    name: str, parents: Mapping[str, str | None], lead: str, seen: set[str]
) -> Iterator[tuple[str, str]]:
    children = [child for child, parent in parents.items() if parent == name and child not in seen]
    for child in children:
        last = child == children[-1]
        yield f"{lead}{'└─ ' if last else '├─ '}", child
        yield from _below(child, parents, f"{lead}{'   ' if last else '│  '}", seen | {child})


def _parent(name: str, entities: Mapping[str, Entity]) -> str | None:
    """Return the entity that one stands below: of those it refers to, one that no other holds."""
    others = [other for other in entities[name].references if other in entities and other != name]
    wider = {above for other in others for above in entities[other].references if above != other}
    return next((other for other in others if other not in wider), others[0] if others else None)


def _top(name: str, parents: Mapping[str, str | None]) -> bool:
    """Tell whether an entity stands below none; of a circle, whether it is the first."""
    seen = [name]
    parent = parents[name]
    while parent is not None and parent not in seen:
        seen.append(parent)
        parent = parents[parent]
    return seen == [name] if parent is None else parent == name and name == min(seen)
