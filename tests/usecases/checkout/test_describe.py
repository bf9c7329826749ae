"""What is declared and what is found become a manifest's tables, or an error that names the key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pe_dvc.documents.declaration import Declaration, read_declarations
from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.documents.manifest import Column, Member
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.checkout.contents import describe_contents, kind_of, notes_on
from pe_dvc.usecases.checkout.describe import LARGEST_FILE, check_size, is_described_alike

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


def test_a_table_of_no_declared_entity_is_described_and_noted() -> None:
    contents = describe_contents(declaration(), shape("person", "household", "extra"))
    assert [table.entity for table in contents.tables] == ["person", "household", None]
    assert list(notes_on(declaration(), contents)) == ["data/cps.any: of no declared entity: extra"]


def test_entities_are_asked_of_tables_of_microdata_only() -> None:
    with pytest.raises(FormatError, match=r"names no entity, and data/cps.any holds") as caught:
        describe_contents(declaration(entities={}), shape(None))
    assert caught.value.where == "dvc.yaml: artifacts.cps.meta.pe.entities"
    assert "kind: auxiliary" in str(caught.value.remedy)
    bare = declaration(entities={}, kind="geography")
    assert [t.name for t in describe_contents(bare, shape(None)).tables] == ["table"]
    with pytest.raises(FormatError, match="declares entities, and no table was found"):
        describe_contents(declaration(), shape())


def test_the_kind_is_the_declared_one_or_what_the_file_seems_to_be() -> None:
    assert kind_of(declaration(), shape(None)) == "microdata"
    assert kind_of(declaration(entities={}), shape()) == "auxiliary"
    assert kind_of(declaration(entities={}, kind="holograms"), shape()) == "holograms"
    for bad in ("Weights", "2d", "", "a b", "é"):
        with pytest.raises(FormatError, match="kind"):
            declaration(kind=bad)


def test_a_kind_that_looks_misspelt_is_noted() -> None:
    meant = declaration(entities={}, kind="calibratoin")
    assert "or is it calibration?" in next(notes_on(meant, describe_contents(meant, shape())))
    fresh = declaration(entities={}, kind="holograms")
    assert not list(notes_on(fresh, describe_contents(fresh, shape())))


def test_what_is_in_the_file_and_not_described_is_in_the_manifest_and_noted() -> None:
    member = Member(name="w/2025", reason="its values are neither numbers nor text")
    found = replace(shape("person", "household"), members=(member,))
    contents = describe_contents(declaration(), found)
    assert contents.members == (member,)
    assert "'w/2025'" in next(notes_on(declaration(), contents))


def test_a_manifest_of_an_older_version_says_the_same_as_far_as_it_goes() -> None:
    table = FoundTable(name="person", rows=3, columns=COLUMNS, periods={"2024": 3})
    new = describe_contents(
        declaration(entities={"person": {"key": "person_id"}}),
        FileShape(format="any", tables=(table,), period="2024", members=(Member(name="w"),)),
    )
    old = new.model_copy(
        update={
            "tables": (new.tables[0].model_copy(update={"periods": {}}),),
            "period": None,
            "members": (),
        }
    )
    assert is_described_alike(old, new)
    assert is_described_alike(new, new)
    assert not is_described_alike(new.model_copy(update={"period": "2025"}), new)
    assert "periods" not in old.model_dump_json(exclude_none=True)
    assert "members" not in old.model_dump_json(exclude_none=True)


def test_a_file_whose_chunk_list_no_reader_accepts_is_refused_by_its_size() -> None:
    check_size(declaration(), LARGEST_FILE)
    with pytest.raises(FormatError, match="2 TiB") as caught:
        check_size(declaration(), LARGEST_FILE + 1)
    assert caught.value.where == "data/cps.any"
    assert LARGEST_FILE == 2 * 1024**4
