"""What the names of columns suggest about a dataset: its entities, keys, references and weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.declaration import MICRODATA, OTHER
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pe_dvc.documents.table_schema import FileShape

ENTITIES = ("person", "marital_unit", "tax_unit", "spm_unit", "family", "benunit", "household")
"""PolicyEngine's, from those that are parts of others on."""
_KEY = "_id"
_BY_NAME = ("weights", "geography", "diagnostics", "calibration", "evidence")
_DATABASES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a person says of a dataset, or is guessed: the keys of ``meta.pe``.

    ``entities`` are keys by entity, ``references`` columns by entity and the other entity.
    """

    kind: str | None = None
    rows: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    weight: str | None = None
    vintage: str | None = None

    def declared(self) -> dict[str, Any]:
        """Return it as ``meta.pe`` of dvc.yaml has it."""
        entities = {
            name: {"key": key, **({"references": dict(refs)} if refs else {})}
            for name, key in self.entities.items()
            for refs in [self.references.get(name)]
        }
        found = {
            "kind": None if self.kind == MICRODATA else self.kind,
            "rows": self.rows,
            "entities": entities,
            "columns": dict(self.columns),
            "weight": self.weight,
            "vintage": self.vintage,
        }
        return {key: value for key, value in found.items() if value}


def guesses(shape: FileShape, given: Meaning, *, path: str) -> Iterator[Meaning]:
    """Yield what a file may mean, the likeliest first; what is ``given`` holds in all of them.

    Entities that are given are all that there are.
    Raises FormatError, with the options to give, where the columns suggest nothing.
    """
    tables = {table.name: {c.name for c in table.columns} for table in shape.tables}
    if shape.needs_keys:
        variables = {m.name.partition("/")[0] for m in shape.members if len(m.shape or ()) == 1}
        tables = {None: set().union(variables, *tables.values())}
    kind = given.kind or _kind_of(path, tables, asked=bool(given.entities))
    if kind != MICRODATA:
        yield _with(given, kind=kind)
        return
    if None not in tables:
        entities = {str(n): f"{n}{_KEY}" for n, found in tables.items() if f"{n}{_KEY}" in found}
        yield _complete(given, given.entities or entities, tables, path)
        return
    names = tables[None]
    known = {e: f"{e}{_KEY}" for e in ENTITIES if f"{e}{_KEY}" in names}
    if shape.needs_keys:
        yield _complete(given, given.entities or known, tables, path)
        return
    yield from _of_one_table(given, given.entities or known, names, path)


def _of_one_table(
    given: Meaning, entities: Mapping[str, str], names: Collection[str], path: str
) -> Iterator[Meaning]:
    """Yield what the rows of the only table may be, and what else is in them."""
    rows = [given.rows] if given.rows else [e for e in (*ENTITIES, *entities) if e in entities]
    for row in dict.fromkeys(rows):
        belonging = {e: f"{row}_{e}{_KEY}" for e in ENTITIES if f"{row}_{e}{_KEY}" in names}
        guessed = {row: entities.get(row, f"{row}{_KEY}"), **belonging, **entities}
        every = given.entities or guessed
        found = _complete(given, every, {row: names}, path)
        owned = {c: e for c in sorted(names) if (e := _owner(c, every, row))}
        several = row if len(every) > 1 else None
        yield _with(found, rows=several, columns={**owned, **given.columns})
    if not rows:
        raise _unknown(names, path)


def _complete(
    given: Meaning,
    entities: Mapping[str, str],
    tables: Mapping[Any, Collection[str]],
    path: str,
) -> Meaning:
    """Return a meaning with these entities, and what their columns tell of them."""
    names = set().union(*tables.values())
    if not entities:
        raise _unknown(names, path)
    references = {
        one: {**_references(one, entities, tables), **given.references.get(one, {})}
        for one in entities
    }
    weight = given.weight or _weight(entities, names)
    kind = given.kind or MICRODATA
    return _with(given, kind=kind, entities=entities, references=references, weight=weight)


def _references(
    entity: str, entities: Mapping[str, str], tables: Mapping[Any, Collection[str]]
) -> dict[str, str]:
    names, found = tables.get(entity, tables.get(None, ())), {}
    for other in (other for other in entities if other != entity):
        # In a table of its own, a column with the name of the other's key refers to it.
        likely = [f"{entity}_{other}{_KEY}", *([entities[other]] if entity in tables else [])]
        column = next((name for name in likely if name in names), None)
        if column is not None:
            found[other] = column
    return found


def _owner(column: str, entities: Mapping[str, str], rows: str) -> str | None:
    """Return the other entity that a column's name begins with, if it is not one of its keys."""
    if column in entities.values() or column.endswith(_KEY):
        return None
    fitting = [e for e in entities if e != rows and column.startswith(f"{e}_")]
    return max(fitting, key=len, default=None)


def _weight(entities: Mapping[str, str], names: Collection[str]) -> str | None:
    likely = ("household_weight", *(f"{entity}_weight" for entity in entities), "weight")
    return next((name for name in likely if name in names), None)


def _kind_of(path: str, tables: Mapping[Any, Collection[str]], *, asked: bool) -> str:
    """Return what a file seems to be: microdata where there are keys, else what its name says."""
    name = path.rpartition("/")[2].lower()
    keys = {f"{entity}{_KEY}" for entity in ENTITIES}
    if name.endswith(_DATABASES) and not asked:
        return "database"
    if asked or any(keys & set(names) for names in tables.values()):
        return MICRODATA
    named = next((kind for kind in _BY_NAME if kind in name), None)
    return named or (MICRODATA if tables else OTHER)


def _with(meaning: Meaning, **changes: Any) -> Meaning:
    from dataclasses import replace

    return replace(meaning, **changes)


def _unknown(names: Collection[str], path: str) -> FormatError:
    ids = sorted(name for name in names if name.endswith(_KEY))
    likely = f"--entity {ids[0].removesuffix(_KEY)}={ids[0]}" if ids else "--entity person=COLUMN"
    return FormatError(
        "its columns do not tell what its rows are: none is called person_id, household_id or the "
        "like",
        where=path,
        remedy=f"Say it: {likely}. If it is no microdata, give it another kind, such as "
        f"--kind {OTHER}.",
    )
