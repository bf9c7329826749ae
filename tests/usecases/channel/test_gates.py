"""The gates of promotion, on real files: each has data that passes and data that fails it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pe_dvc.adapters.tables import parquet
from pe_dvc.adapters.tables.column_data import ColumnData
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.gate_note import GATES
from pe_dvc.documents.gates import Gates
from pe_dvc.documents.manifest import Contents, Entity, Manifest, Table
from pe_dvc.documents.override import OVERRIDE
from pe_dvc.documents.pointer_notes import TOTALS
from pe_dvc.primitives.errors import FormatError, GateError, NotFoundError
from pe_dvc.usecases.channel.gate_failures import Failure
from pe_dvc.usecases.channel.gates import judge
from pe_dvc.usecases.channel.nomination import Nomination
from pe_dvc.usecases.channel.promote import Evidence, nominate
from tests.support.disclosure import PUBLIC
from tests.support.factories import manifest_of, pointer_to
from tests.support.tables import core_households, describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.pointer import Pointer

PERSONS: dict[str, Any] = {
    "person_id": [1, 2, 3, 4],
    "household_id": [10, 10, 20, 20],
    "income": [100.0, 200.0, 300.0, 400.0],
    "weight": [1.0, 2.0, 3.0, 4.0],
}
ENTITIES = {
    "person": Entity(key="person_id", references={"household": "household_id"}),
    "household": Entity(key="household_id"),
}


def manifest(path: Path, payload: bytes = b"") -> Manifest:
    found = describe(parquet, path).tables[0]
    table = Table(name="person", rows=found.rows, entity="person", columns=found.columns)
    contents = Contents(format="parquet", tables=(table,), entities=ENTITIES, weight="weight")
    made = manifest_of(payload or path.read_bytes(), name="cps")
    return made.model_copy(update={"table": contents})


def nomination(path: Path, changes: dict[str, Any] | None = None, **gates: Any) -> Nomination:
    """The persons above are in next; nominated are those with ``changes``."""
    pq.write_table(pa.table(PERSONS), path / "before.parquet")
    columns = {**PERSONS, **(changes or {})}
    kept = {name: values for name, values in columns.items() if values is not None}
    pq.write_table(pa.table(kept), path / "after.parquet")
    return Nomination(
        name="cps",
        gates=Gates(**gates),
        before=manifest(path / "before.parquet"),
        after=manifest(path / "after.parquet"),
        totals={"income": 3000.0, "weight": 10.0},
        data=ColumnData(path / "after.parquet", "parquet", "after.parquet"),
        rule=PUBLIC,
    )


def failures(nominated: Nomination, rule: Disclosure = PUBLIC) -> list[str]:
    return [said for failure in judge(nominated, {}) for said in failure.sentences(rule)]


def test_what_did_not_change_passes(tmp_path: Path) -> None:
    nominated = nomination(tmp_path, rows=0.0, totals={"income": 0.0, "weight": 0.0})
    assert failures(nominated) == []
    assert nominated.measured == {"income": 3000.0, "weight": 10.0}


@pytest.mark.parametrize(
    ("changes", "gates", "said"),
    [
        ({"income": None}, {}, "gate columns of person.income: it is gone; expected a column of"),
        ({"income": [1, 2, 3, 4]}, {}, "its type is int64; expected type double"),
        (
            {"person_id": [1, 2, 2, 4]},
            {},
            "gate keys of person_id: 2 occurs twice (1 key in 2 rows)",
        ),
        ({"person_id": pa.array([1, None, 3, 4])}, {}, "gate keys of person_id: 1 null;"),
        (
            {"household_id": pa.array([10, None, 20, 20])},
            {},
            "gate references of household_id: 1 null",
        ),
        (
            {"weight": [1.0, 0.0, 3.0, 4.0]},
            {},
            "gate weights of weight: the least is 0.0 (not positive in 1 row); ",
        ),
        ({"weight": [1.0, -2.0, 3.0, 4.0]}, {"weights": "not negative"}, "the least is -2.0"),
        ({"weight": [1.0, float("nan"), 3.0, 4.0]}, {}, "gate weights of weight: 1 null;"),
        (
            {"income": [100.0, 200.0, 300.0, 1000.0]},
            {"totals": {"income": 0.05}},
            "gate totals of income: 5,400; expected 2,850 to 3,150 (0.05 of 3,000)",
        ),
        ({"weight": [1.0, 2.0, 3.0, 5.0]}, {"totals": {"weight": 0.05}}, "of weight: 11; expected"),
    ],
    ids=lambda value: value[5:25] if isinstance(value, str) else None,
)
def test_a_gate_says_column_value_and_bound(
    changes: dict[str, Any], gates: dict[str, Any], said: str, tmp_path: Path
) -> None:
    found = failures(nomination(tmp_path, changes, **gates))
    assert any(f"cps: {said}" in text or said in text for text in found), found


@pytest.mark.parametrize(
    ("changes", "gates"),
    [
        ({"income": None}, {"columns": {"removed": ["income"]}}),
        ({"income": [1, 2, 3, 4]}, {"columns": {"retyped": ["income"]}}),
        ({"income": None}, {"columns": False}),
        ({"person_id": [1, 2, 2, 4]}, {"keys": False}),
        ({"weight": [1.0, 0.0, 3.0, 4.0]}, {"weights": "not negative"}),
        ({"weight": [1.0, -2.0, 3.0, 4.0]}, {"weights": False}),
        ({"income": [100.0, 200.0, 300.0, 401.0]}, {"totals": {"income": 0.05}}),
        ({"more": [1, 2, 3, 4]}, {}),
    ],
)
def test_what_is_declared_passes(
    changes: dict[str, Any], gates: dict[str, Any], tmp_path: Path
) -> None:
    assert failures(nomination(tmp_path, changes, **gates)) == []


def test_rows(tmp_path: Path) -> None:
    five = {name: [*values, values[-1] + 1] for name, values in PERSONS.items()}
    assert failures(nomination(tmp_path, five, rows=0.25)) == []
    (said,) = failures(nomination(tmp_path, five, rows=0.2))
    assert said == "cps: gate rows of person: 5; expected 3.2 to 4.8 (0.2 of 4)"


def test_a_first_nomination_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    gates: dict[str, Any] = {"rows": 0.0, "totals": {"income": 0.0}}
    first = replace(nomination(tmp_path, **gates), before=None, totals={})
    assert failures(first) == []
    assert first.measured == {"income": 3000.0}


def test_a_gate_of_another_package(tmp_path: Path) -> None:
    def no_poor(nominated: Nomination, options: Any) -> Iterator[Failure]:
        from pe_dvc.documents.places import Place

        least = nominated.data.least(Place(table="person", column="income"))
        if least is not None and least < options["least"]:
            yield Failure(
                dataset=nominated.name, gate="no_poor", column="income", value="low", bound="high"
            )

    nominated = nomination(tmp_path, custom={"no_poor": {"least": 150}})
    (found,) = judge(nominated, {"no_poor": no_poor})
    assert found.sentences(PUBLIC) == ["cps: gate no_poor of income: low; expected high"]
    assert found.sentences(GATED) == ["cps: gate no_poor: fewer than 10 failures"]
    with pytest.raises(NotFoundError, match="there is no gate 'no_poor'"):
        judge(nominated, {})


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cps has no column 'wages'"):
        failures(nomination(tmp_path, totals={"wages": 0.1}))


def test_the_weight_of_another_entity(tmp_path: Path) -> None:
    """PolicyEngine's layout: persons find their household's weight by the reference."""
    path = tmp_path / "cps.h5"
    arrays = {
        "person_id": np.arange(3),
        "person_household_id": np.array([30, 10, 30]),
        "income": np.array([1.0, 10.0, 100.0]),
        "household_id": np.array([30, 10]),
        "household_weight": np.array([2.0, 5.0]),
    }
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[f"{name}/2024"] = values
    contents = core_households(path)
    nominated = Nomination(
        name="cps",
        gates=Gates(totals={"income": 0.0, "household_weight": 0.0}),
        before=None,
        after=manifest_of(b"x").model_copy(update={"table": contents}),
        totals={},
        data=ColumnData(path, "hdf5", "cps.h5"),
        rule=PUBLIC,
    )
    assert failures(nominated) == []
    assert nominated.measured == {"income": 2.0 + 50.0 + 200.0, "household_weight": 7.0}
    with h5py.File(path, "a") as file:
        file["person_household_id/2024"][1] = 11
    assert failures(nominated) == [
        "cps: gate references of person_household_id: 11 names no household (1 row); expected a "
        "household for every person"
    ]


def evidence(path: Path, **gates: Any) -> tuple[dict[str, Pointer], dict[str, Pointer], Evidence]:
    """Return latest, next and where their manifests and files are found."""
    nominated = nomination(path, {"income": [100.0, 200.0, 300.0, 401.0]}, **gates)
    assert nominated.before is not None
    old = pointer_to(nominated.before, "next", notes={TOTALS: {"income": "3000.0"}})
    new = pointer_to(nominated.after)
    manifests = {old.sha256: nominated.before, new.sha256: nominated.after}
    found = Evidence(
        gates={"cps": nominated.gates},
        manifest=lambda pointer: manifests[pointer.sha256],
        data=lambda pointer, manifest: ColumnData(path / "after.parquet", "parquet", "after"),
        custom={},
        rule=PUBLIC,
    )
    return {"cps": new}, {"cps": old}, found


def test_nominated_with_its_totals(tmp_path: Path) -> None:
    latest, standing, found = evidence(tmp_path, totals={"income": 0.05})
    judged = nominate(latest, standing, standing, (), found)
    (pointer,) = judged.pointers
    assert (pointer.channel, pointer.sha256) == ("next", latest["cps"].sha256)
    assert pointer.notes[TOTALS] == {"income": "3004.0"}
    found_by = {one["gate"]: one["result"] for one in pointer.notes[GATES]}
    assert found_by == dict.fromkeys(
        ("columns", "keys", "references", "weights", "totals"), "passed"
    )
    assert judged.checked == ("cps",)
    again = nominate(latest, {"cps": pointer}, {"cps": pointer}, (), found)
    assert (again.pointers, again.checked) == ((pointer,), ())


def test_a_failure_is_refused_or_overridden_with_a_reason(tmp_path: Path) -> None:
    latest, standing, found = evidence(tmp_path, totals={"income": 0.0})
    with pytest.raises(GateError, match="1 gate") as caught:
        nominate(latest, standing, standing, (), found)
    assert "gate totals of income: 3,004" in caught.value.failures[0]
    with pytest.raises(FormatError, match="needs a reason"):
        nominate(latest, standing, standing, (), found, override=" ")
    judged = nominate(latest, standing, standing, (), found, override="the survey was revised")
    assert (judged.checked, judged.failed) == (("cps",), ("cps",))
    (pointer,) = judged.pointers
    assert pointer.notes[OVERRIDE]["reason"] == "the survey was revised"
    assert pointer.notes[OVERRIDE]["failed"] == [
        "cps: gate totals of income: a total of fewer than 10 rows; expected at most 0 from the "
        "total in next"
    ], "what is signed says less"


def test_names(tmp_path: Path) -> None:
    latest, standing, found = evidence(tmp_path)
    other = replace(standing["cps"], name="acs")
    judged = nominate(latest, standing, {**standing, "acs": other}, ["cps"], found)
    assert {pointer.name for pointer in judged.pointers} == {"acs", "cps"}, "the others stay"
    judged = nominate(latest, standing, {**standing, "acs": other}, (), found)
    assert {pointer.name for pointer in judged.pointers} == {"cps"}, "next has what latest has"
    with pytest.raises(NotFoundError, match="latest has no dataset 'acs'"):
        nominate(latest, standing, {}, ["acs"], found)
