"""What is declared and what is found become a manifest's tables, or an error that names the key."""

from __future__ import annotations

from typing import Any

import pytest

from pe_dvc.documents.declaration import Declaration, read_declarations
from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.documents.manifest import Column
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.checkout.describe import describe_contents

ENTITIES = {"person": {"key": "person_id"}, "household": {"key": "household_id"}}
COLUMNS = tuple(Column(name=name, type="int64") for name in ("person_id", "household_id"))


def declaration(**meaning: Any) -> Declaration:
    artifact = DeclaredArtifact(
        name="cps",
        path="data/cps.any",
        meta={"pe": {"entities": ENTITIES, **meaning}},
        file="dvc.yaml",
    )
    (declared,) = read_declarations([artifact], country="us")
    return declared


def shape(*names: str | None) -> FileShape:
    tables = tuple(FoundTable(name=name, rows=3, columns=COLUMNS) for name in names)
    return FileShape(format="any", tables=tables)


def test_a_table_without_a_name_is_of_the_entity_of_its_rows() -> None:
    contents = describe_contents(declaration(rows="person"), shape(None))
    assert [(table.name, table.entity) for table in contents.tables] == [("person", "person")]
    assert contents.format == "any"


def test_it_must_be_declared_where_there_is_a_choice() -> None:
    with pytest.raises(FormatError, match="more than one entity") as caught:
        describe_contents(declaration(), shape(None))
    assert caught.value.where == "dvc.yaml: artifacts.cps.meta.pe.rows"
    assert "one of person, household" in str(caught.value.remedy)


def test_tables_with_names_are_entities() -> None:
    contents = describe_contents(declaration(), shape("person", "household"))
    assert [table.entity for table in contents.tables] == ["person", "household"]
    with pytest.raises(FormatError, match="has named tables") as caught:
        describe_contents(declaration(rows="person"), shape("person"))
    assert caught.value.where == "dvc.yaml: artifacts.cps.meta.pe.rows"
    with pytest.raises(FormatError, match="is no entity of the declaration"):
        describe_contents(declaration(), shape("family"))
