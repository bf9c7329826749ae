"""Whatever lies in a gated country's table, no value of a row is in anything that gates say."""

from __future__ import annotations

import json
import re
import traceback
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pe_dvc.adapters.tables import parquet
from pe_dvc.adapters.tables.column_data import ColumnData
from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.gates import Gates
from pe_dvc.documents.manifest import Contents, Entity, Table
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.usecases.channel.gates import judge
from pe_dvc.usecases.channel.nomination import Nomination
from pe_dvc.usecases.channel.promote import Evidence, nominate
from tests.support.disclosure import PUBLIC
from tests.support.factories import manifest_of, pointer_to
from tests.support.tables import check_key, describe

if TYPE_CHECKING:
    from pathlib import Path

# Values that no count, date or digest is mistaken for, nor a total over ten of them and more.
WHOLE = st.integers(10**9, 9 * 10**9)
BELOW = WHOLE.map(lambda value: -value)
PARTS = st.floats(1e5, 9e5).map(lambda value: value + 0.123456)
TEXT = st.text("abcdefghijklmnopqrstuvwxyz", min_size=12, max_size=20).map(str.upper)
VALUES = st.sampled_from([WHOLE, BELOW, PARTS, TEXT]).flatmap(
    lambda kind: st.lists(st.sampled_from(list(range(4))), min_size=1, max_size=30).flatmap(
        lambda picks: st.lists(kind | st.none(), min_size=4, max_size=4).map(
            lambda pool: [pool[pick] for pick in picks]
        )
    )
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Return columns of any kind, with values that repeat, lack, and refer to nothing."""
    rows = draw(st.integers(1, 30))
    names = ("person_id", "household_id", "home", "weight", "income")
    found = {name: draw(VALUES) for name in names}
    return {name: (values * rows)[:rows] for name, values in found.items()}


def says(values: dict[str, list[Any]], texts: list[str]) -> list[str]:
    """Return the values that the texts have."""
    held = {value for column in values.values() for value in column if value is not None}
    spelled = {str(value) for value in held}
    spelled |= {f"{abs(v):,.6g}" for v in held if not isinstance(v, str)}
    told = "\n".join(texts)
    whole = r"(?<![\d.,]){}(?!\d|[.,]\d)"
    return [value for value in spelled if re.search(whole.format(re.escape(value)), told)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tables())
def test_no_value_of_a_row_is_said(tmp_path: Path, values: dict[str, list[Any]]) -> None:
    path = tmp_path / "frs.parquet"
    pq.write_table(pa.table(values), path)
    texts: list[str] = []

    def heard(call: Any) -> Any:
        try:
            return call()
        except PeDvcError as error:
            texts.extend([*traceback.format_exception(error), repr(error), str(vars(error))])
            texts.extend([repr(error.__cause__), repr(error.__context__)])

    for key in values:
        heard(lambda key=key: _check(path, key))
    evidence, latest = _evidence(path)
    heard(lambda: nominate(latest, {}, {}, (), evidence))
    judged = heard(lambda: nominate(latest, {}, {}, (), evidence, override="Revised"))
    if judged is not None:
        texts += [*judged.overridden, json.dumps([p.to_json() for p in judged.pointers])]
    found = heard(lambda: judge(_nomination(path), {})) or []
    texts += [repr(found), *(str(failure) for failure in found)]
    texts += [text for failure in found for text in failure.sentences(PUBLIC.signed)]
    assert not says(values, texts)


def _check(path: Path, key: str) -> None:
    shielded(
        lambda: check_key(parquet, path, "person", key, where="dvc.yaml", name="frs", rule=GATED),
        label="frs",
        rule=GATED,
    )


def _contents(path: Path) -> Contents:
    found = describe(parquet, path).tables[0]
    entities = {
        "person": Entity(key="person_id", references={"household": "home"}),
        "household": Entity(key="household_id"),
    }
    table = Table(name="person", rows=found.rows, entity="person", columns=found.columns)
    return Contents(format="parquet", tables=(table,), entities=entities, weight="weight")


def _nomination(path: Path) -> Nomination:
    after = manifest_of(path.read_bytes(), name="frs").model_copy(update={"table": _contents(path)})
    return Nomination(
        name="frs",
        gates=Gates(totals={"income": 0.0, "weight": 0.0}),
        before=None,
        after=after,
        totals={"income": 1.0},
        data=ColumnData(path, "parquet", "frs.parquet", GATED),
        rule=GATED,
    )


def _evidence(path: Path) -> tuple[Evidence, dict[str, Any]]:
    nomination = _nomination(path)
    evidence = Evidence(
        gates={"frs": nomination.gates},
        manifest=lambda pointer: nomination.after,
        data=lambda pointer, manifest: nomination.data,
        custom={},
        rule=GATED,
    )
    return evidence, {"frs": pointer_to(nomination.after)}
