"""What columns suggest: entities, keys, references, the rows of a single table, weights, kinds."""

from __future__ import annotations

from typing import Any

import pytest

from pe_dvc.documents.manifest import Column, Member
from pe_dvc.documents.table_schema import FileShape, FoundTable
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.checkout.guess import Meaning, guesses


def tables(**columns: str) -> FileShape:
    """Return the shape of an HDFStore: columns, in words, by table."""
    found = [table(name, *names.split()) for name, names in columns.items()]
    return FileShape(format="hdf5", tables=tuple(found))


def table(name: str | None, *columns: str) -> FoundTable:
    described = tuple(Column(name=column, type="int64") for column in columns)
    return FoundTable(name=name, rows=3, columns=described)


def one(*columns: str) -> FileShape:
    """Return the shape of a parquet file."""
    return FileShape(format="parquet", tables=(table(None, *columns),))


def core(*variables: str) -> FileShape:
    """Return the shape of a file in PolicyEngine core's layout, whose keys are not declared."""
    members = tuple(Member(name=f"{v}/2024", type="int64", shape=(3,)) for v in variables)
    matrix = Member(name="other_id/2024", type="double", shape=(3, 4))
    return FileShape(format="hdf5", members=(*members, matrix), needs_keys=True)


FOUND: dict[str, tuple[FileShape, dict[str, Any]]] = {
    "persons": (one("person_id", "age"), {"entities": {"person": {"key": "person_id"}}}),
    "households-with-weight": (
        one("household_id", "household_weight"),
        {"entities": {"household": {"key": "household_id"}}, "weight": "household_weight"},
    ),
    "several-in-one-table": (
        one("person_id", "person_household_id", "tax_unit_id", "household_income", "person_weight"),
        {
            "rows": "person",
            "entities": {
                "person": {
                    "key": "person_id",
                    "references": {"household": "person_household_id", "tax_unit": "tax_unit_id"},
                },
                "household": {"key": "person_household_id"},
                "tax_unit": {"key": "tax_unit_id"},
            },
            "columns": {"household_income": "household"},
            "weight": "person_weight",
        },
    ),
    "hdfstore": (
        tables(
            person="person_id person_household_id benunit_id age",
            benunit="benunit_id",
            household="household_id household_weight",
            states="fips",
        ),
        {
            "entities": {
                "person": {
                    "key": "person_id",
                    "references": {"benunit": "benunit_id", "household": "person_household_id"},
                },
                "benunit": {"key": "benunit_id"},
                "household": {"key": "household_id"},
            },
            "weight": "household_weight",
        },
    ),
    "core": (
        core("person_id", "person_household_id", "household_id", "household_weight", "age"),
        {
            "entities": {
                "person": {
                    "key": "person_id",
                    "references": {"household": "person_household_id"},
                },
                "household": {"key": "household_id"},
            },
            "weight": "household_weight",
        },
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_columns_suggest(name: str) -> None:
    shape, wanted = FOUND[name]
    first = next(guesses(shape, Meaning(), path="data/x"))
    assert first.declared() == wanted


def test_the_rows_of_a_single_table_are_tried_from_the_parts_on() -> None:
    shape = one("household_id", "tax_unit_id", "person_id")
    rows = [found.rows for found in guesses(shape, Meaning(), path="data/x")]
    assert rows == ["person", "tax_unit", "household"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("data/policy_data.db", "database"),
        ("local_geography_weights.csv.gz", "weights"),
        ("geography_assignment.npz", "geography"),
        ("calibration_diagnostics.json", "diagnostics"),
        ("populace_us_2024_calibration.npz", "calibration"),
        ("notes.txt", "auxiliary"),
    ],
)
def test_a_file_without_tables_is_of_the_kind_that_its_name_says(path: str, kind: str) -> None:
    (found,) = guesses(FileShape(format="opaque"), Meaning(), path=path)
    assert found.declared() == {"kind": kind}


@pytest.mark.parametrize(
    ("path", "shape", "kind"),
    [
        ("policy_data.db", tables(targets="target_id value"), "database"),
        ("geography_assignment.csv", one("state_fips", "county_fips"), "geography"),
        ("household_weights.csv", one("household_id", "weight"), None),
        ("populace.db", tables(person="person_id"), "database"),
    ],
)
def test_a_table_is_microdata_if_it_has_keys(path: str, shape: FileShape, kind: str | None) -> None:
    found = next(guesses(shape, Meaning(), path=path))
    assert found.declared().get("kind") == kind
    asked = Meaning(entities={"target": "target_id"})
    assert (
        next(guesses(tables(target="target_id"), asked, path="policy_data.db")).kind == "microdata"
    )


def test_what_is_given_holds() -> None:
    shape = one("RECID", "h_seq", "person_id", "s006")
    given = Meaning(
        rows="tax_unit",
        entities={"tax_unit": "RECID", "household": "h_seq"},
        references={"tax_unit": {"household": "h_seq"}},
        columns={"s006": "household"},
        weight="s006",
        vintage="cps",
    )
    (found,) = guesses(shape, given, path="data/x")
    declared = found.declared()
    assert declared["entities"]["tax_unit"] == {
        "key": "RECID",
        "references": {"household": "h_seq"},
    }
    assert (declared["rows"], declared["weight"], declared["vintage"]) == (
        "tax_unit",
        "s006",
        "cps",
    )
    (other,) = guesses(shape, Meaning(kind="geography"), path="data/x")
    assert other.declared() == {"kind": "geography"}


@pytest.mark.parametrize("shape", [one("RECID", "age"), core("age"), tables(states="fips")])
def test_columns_that_suggest_nothing_are_asked_for(shape: FileShape) -> None:
    with pytest.raises(FormatError) as refused:
        list(guesses(shape, Meaning(), path="data/x.h5"))
    assert "data/x.h5" in str(refused.value)
    assert "--entity" in str(refused.value.remedy)
    assert "--kind" in str(refused.value.remedy)
