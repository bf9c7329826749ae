"""What two descriptions of a dataset tell, without its payload."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.diff import DatasetChanges, Described, Diff, compare
from pe_dvc.documents.manifest import Column, Contents, Entity, Table
from pe_dvc.documents.movers import Figure, Mover, movers
from pe_dvc.documents.profile import (
    Category,
    ColumnProfile,
    Profile,
    TableProfile,
    WeightProfile,
)
from pe_dvc.documents.profile_movers import figures_of
from pe_dvc.documents.row_changes import ColumnChange, RowChanges, Where
from tests.support.disclosure import PUBLIC

if TYPE_CHECKING:
    from pe_dvc.documents.diff import Verdict

A, B = "a" * 64, "b" * 64


def described(
    sha256: str = A, *, rows: int = 100, digest: str | None = None, **columns: str
) -> Described:
    found = columns or {"id": "int64", "x": "double"}
    table = Table(
        name="household",
        rows=rows,
        entity="household",
        columns=tuple(Column(name=name, type=kind) for name, kind in found.items()),
        content_sha256=digest,
    )
    entities = {"household": Entity(key="id")}
    contents = Contents(format="parquet", tables=(table,), entities=entities, weight="x")
    return Described(
        name="cps", label="latest", contents=contents, sha256=sha256, size=1, rule=PUBLIC
    )


@pytest.mark.parametrize(
    ("before", "after", "verdict", "content"),
    [
        (described(A), described(A), "same bytes", "unknown"),
        (described(A, digest=A), described(B, digest=A), "same values", "same"),
        (described(A, digest=A), described(B, digest=B), "different", "different"),
        (described(A, digest=A), described(B), "different", "unknown"),
    ],
)
def test_verdicts(before: Described, after: Described, verdict: Verdict, content: str) -> None:
    found = compare(before, after)
    assert (found.verdict, found.content) == (verdict, {"household": content})


def test_schema_and_rows() -> None:
    found = compare(described(), described(B, rows=90, id="int64", y="string"))
    assert found.rows == {"household": (100, 90)}
    assert found.columns == {
        "household.x": ("double", None),
        "household.y": (None, "string"),
    }


def figure(column: str, statistic: str = "total", **more: Any) -> Figure:
    return Figure("household", None, column, statistic, **more)


def test_what_moved_most_comes_first() -> None:
    share = figure("x", "top 0.1%", is_share=True)
    before = {figure("a"): 100.0, figure("b"): 10.0, figure("c"): 0.0, figure("d"): 1.0, share: 0.1}
    after = {figure("a"): 101.0, figure("b"): 5.0, figure("c"): 3.0, figure("e"): 1.0, share: 0.4}
    found = movers(before, after)
    assert [(m.column, m.statistic) for m in found] == [
        ("c", "total"),
        ("x", "top 0.1%"),
        ("b", "total"),
        ("a", "total"),
    ]
    changes = [mover.change for mover in found]
    assert changes[0] is None
    assert changes[1:] == [pytest.approx(0.3), -0.5, pytest.approx(0.01)]
    assert not movers(before, {figure("a"): 100.0 + 1e-9})


def moved(change: float) -> Diff:
    mover = Mover(
        table="household",
        period=None,
        column="x",
        statistic="total",
        before=100.0,
        after=100.0 * (1 + change),
    )
    dataset = replace(compare(described(), described(B)), movers=(mover,))
    return diff_of(dataset)


def diff_of(*datasets: DatasetChanges, **more: Any) -> Diff:
    plain = {"before": "latest:1", "after": "latest:2", "added": (), "removed": (), "unchanged": 0}
    return Diff(**{**plain, "datasets": datasets, **more})


@pytest.mark.parametrize(
    ("diff", "over"),
    [
        (moved(0.01), False),
        (moved(-0.03), True),
        (diff_of(compare(described(), described(B, rows=99))), False),
        (diff_of(compare(described(), described(B, rows=97))), True),
        (diff_of(compare(described(), described(B, id="int64"))), True),
        (diff_of(added=("x",)), True),
        (diff_of(), False),
    ],
)
def test_what_is_over_a_limit(diff: Diff, over: bool) -> None:
    assert diff.is_over(0.02) == over
    assert diff.is_same == (not diff.datasets and not diff.added)


def incident() -> Diff:
    """Return what a synthetic top tail of four times its weight looks like."""
    where = Where(
        change="x",
        column="source",
        bucket="synthetic | <b>@octocat</b>",
        rows=303,
        share_of_change=1.0,
        share_of_all=0.004,
    )
    columns = (ColumnChange(column="w", rows=303),)
    rows = RowChanges(
        table="household",
        key="id",
        weight="w",
        before=1000,
        after=1000,
        added=0,
        removed=0,
        changed=303,
        weight_changed=0.016,
        columns=columns,
        where=(where,),
    )
    (dataset,) = moved(2.744).datasets
    return diff_of(replace(dataset, changes=(rows,), notes=("a note",)))


def test_the_cause_is_on_the_first_screen() -> None:
    lines = list(incident().to_text())
    assert lines[0] == "~ cps: different"
    assert lines[2].split() == ["total", "of", "household.x", "100", "374.4", "+274%"]
    assert lines[4].split()[:4] == ["of", "part", "of", "it"]
    assert lines[5].split()[:6] == ["total", "of", "x", "100%", "source:", "synthetic"]
    assert lines[5].split()[-2:] == ["×250", "303"]
    assert not [line for line in lines if "0 datasets" in line]
    assert "303 changed (1.6% of w)" in "\n".join(lines)


def test_markdown_is_no_markup_of_strangers_and_folds_what_is_long() -> None:
    text = "\n".join(incident().to_markdown())
    assert "<b>" not in text
    assert "@octocat" not in text
    assert "<details><summary>columns that changed (1)</summary>" in text


def test_html_is_a_page() -> None:
    page = incident().to_html()
    assert page.startswith("<!doctype html>")
    assert "&lt;b&gt;" in page
    assert "<b>@octocat" not in page


def test_json_has_all_of_it() -> None:
    found = incident().to_json()
    assert (found["schema_version"], found["same"]) == (1, False)
    (dataset,) = found["datasets"]
    assert dataset["movers"][0]["change"] == pytest.approx(2.744)
    assert dataset["changes"][0]["where"][0]["bucket"].startswith("synthetic")
    assert dataset["changes"][0]["where"][0]["ratio"] == pytest.approx(250)


def profile(total: float, *, tail: float, synthetic: float) -> Profile:
    column = ColumnProfile(
        nulls=0, carriers=50, total=total, mean=total / 100, top_weight=tail, quantiles={"p99": 5.0}
    )
    categories = (Category(value="synthetic", rows=20, share=synthetic),)
    table = TableProfile(
        name="household",
        rows=100,
        weight=WeightProfile(column="w", sum=100.0, n_eff=80.0),
        columns={"gains": column, "source": ColumnProfile(nulls=0, categories=categories)},
    )
    return Profile(access="public", minimum_carriers=10, tables=(table,))


def test_profiles_tell_what_moved_without_payloads() -> None:
    before = figures_of(profile(49.0, tail=0.008, synthetic=0.001))
    after = figures_of(profile(196.0, tail=0.031, synthetic=0.004))
    dataset = replace(compare(described(), described(B)), movers=movers(before, after))
    lines = list(diff_of(dataset).to_text())
    assert lines[2].split()[:6] == ["total", "of", "household.gains", "49", "196", "+300%"]
    assert "mean +300%, top_weight +2.3 points" in lines[2]
    assert "share of synthetic of household.source" in lines[3]
    assert "+0.3 points" in lines[3]
    assert diff_of(dataset).is_over(2.5)
    assert not diff_of(dataset).is_over(3.5)


def test_quantiles_and_counts_alone_are_over_no_limit() -> None:
    before, after = ({figure("x", "p99"): value} for value in (1.0, 2.0))
    dataset = replace(compare(described(), described(B)), movers=movers(before, after))
    assert dataset.movers
    assert not diff_of(dataset).is_over(0.02)
