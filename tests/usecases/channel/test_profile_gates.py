"""Gates that judge by profiles: each finds its fault, says it with its bound, and lets the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from pe_dvc.documents.benchmarks import read_benchmarks
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.gate_note import GateResults, Result
from pe_dvc.documents.gates import Gates
from pe_dvc.documents.profile import Category, ColumnProfile, Profile, TableProfile, WeightProfile
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.channel.gate_results import results_note
from pe_dvc.usecases.channel.gates import MEASURING
from pe_dvc.usecases.channel.nomination import HeldBenchmarks, Nomination
from tests.support.disclosure import PUBLIC
from tests.support.factories import manifest_of


def column(total: float | None = 100.0, **changes: Any) -> ColumnProfile:
    fields = {"nulls": 0, "carriers": 50, "total": total, "top_100": 0.3, "top_weight": 0.1}
    return ColumnProfile(**{**fields, **changes})


def profile(n_eff: float = 40.0, **columns: ColumnProfile) -> Profile:
    table = TableProfile(
        name="person",
        rows=100,
        weight=WeightProfile(column="weight", sum=100.0, n_eff=n_eff),
        columns=columns,
    )
    return Profile(access="public", minimum_carriers=10, tables=(table,))


@dataclass
class Known:
    now: Profile
    was: Profile | None = None
    others: dict[str, Profile | None] = field(default_factory=dict)

    def after(self) -> Profile:
        return self.now

    def known(self) -> Profile:
        return self.now

    def before(self) -> Profile | None:
        return self.was

    def earlier(self) -> dict[str, Profile | None]:
        return {**({"next": self.was} if self.was else {}), **self.others}


def judged(profiles: Known, **gates: Any) -> list[str]:
    """Return what a gate says, a line for each result."""
    nomination = nominated(profiles, **gates)
    (gate,) = gates
    found = MEASURING[gate](nomination, getattr(nomination.gates, gate))
    return [str(one.result(PUBLIC)) for one in found]


def nominated(profiles: Known, **gates: Any) -> Nomination:
    return Nomination(
        name="cps",
        gates=Gates(**gates),
        before=None,
        after=manifest_of(b"now"),
        totals={},
        data=None,  # type: ignore[arg-type]
        rule=PUBLIC,
        profiles=profiles,
        document=lambda name: {"passed": name == "good", "list": [{"a/b": True}]},
    )


HAD = profile(income=column(), tax=column(50.0))


@pytest.mark.parametrize(
    ("now", "gates", "said"),
    [
        (
            profile(income=column(0.0, carriers=0), tax=column()),
            {"zero": True},
            "FAILED zero of income: all zero or missing; expected values, as before",
        ),
        (profile(income=column(), tax=column()), {"zero": True}, "passed zero"),
        (
            profile(income=column(top_100=0.9)),
            {"tail": {"income": {"top_100": 0.75}}},
            "FAILED tail of income top_100: 0.9; expected at most 0.75",
        ),
        (
            profile(income=column(top_weight=None)),
            {"tail": {"income": {"top_weight": 0.75}}},
            "FAILED tail of income top_weight: not said; expected at most 0.75",
        ),
        (
            profile(n_eff=9.0, income=column()),
            {"n_eff": 10},
            "FAILED n_eff of person: 9; expected at least 10",
        ),
        (
            profile(income=column(120.0)),
            {"drift": {"income": 0.1}},
            "FAILED drift of income: 120; expected within 0.1 of next: 100",
        ),
        (
            profile(income=column(total=None)),
            {"drift": {"income": 0.1}},
            "FAILED drift of income: not said; expected within 0.1 of next: 100",
        ),
        (
            profile(income=column(104.0)),
            {"drift": {"income": 0.1}},
            "passed drift of income: 104; expected within 0.1 of next: 100",
        ),
    ],
)
def test_a_gate_says_what_it_measured(now: Profile, gates: dict[str, Any], said: str) -> None:
    assert judged(Known(now, HAD), **gates) == [said]


def test_drift_of_all_others_names_those_that_moved_alone() -> None:
    now = profile(income=column(101.0), tax=column(80.0))
    said = judged(Known(now, HAD, {"release 1.0.0": HAD}), drift={"*": 0.1})
    assert said == [
        "FAILED drift of tax: 80; expected within 0.1 of next: 50",
        "passed drift: 1 more totals moved less; expected as in next",
        "FAILED drift of tax: 80; expected within 0.1 of release 1.0.0: 50",
        "passed drift: 1 more totals moved less; expected as in release 1.0.0",
    ]


def test_what_cannot_be_read_is_told_and_no_silence() -> None:
    said = judged(Known(HAD, others={"release 1.0.0": None}), drift={"*": 0.1})
    assert said == ["passed drift: not compared with release 1.0.0, which cannot be read"]


def test_categories_that_come_and_go_are_named() -> None:
    def states(*names: str) -> ColumnProfile:
        listed = tuple(Category(value=name, rows=20, share=0.1) for name in names)
        return column(categories=listed)

    known = Known(profile(state=states("CA", "TX")), profile(state=states("CA", "NY")))
    assert judged(known, categories=["state"]) == [
        "FAILED categories of state: new: TX; gone: NY; expected the same as before"
    ]
    same = Known(profile(state=states("CA")), profile(state=states("CA")))
    assert judged(same, categories=["state"])[0].startswith("passed")


def test_a_category_of_few_rows_is_said_and_not_signed() -> None:
    """Of a public country, too: what is signed cannot be taken back."""

    def states(**rows: int) -> Profile:
        listed = [Category(value=name, rows=count, share=0.1) for name, count in rows.items()]
        return profile(state=column(categories=tuple(listed)))

    known = Known(states(CA=20, Mx_Doe=1, TX=30), states(CA=20, Mr_Roe=9, NY=30))
    nomination = nominated(known, categories=["state"])
    (one,) = MEASURING["categories"](nomination, ["state"])
    assert one.result(PUBLIC).measured == "new: Mx_Doe, TX; gone: Mr_Roe, NY"
    few = "a category of fewer than 10 rows"
    assert one.result(PUBLIC.signed).measured == f"new: {few}, TX; gone: {few}, NY"
    assert "Doe" not in str(results_note([one], PUBLIC)) + str(one.failure("cps"))


def test_benchmarks_give_the_ratio_and_the_source() -> None:
    listed = [
        {"name": "UC", "measure": "uc", "value": 75.8e9, "tolerance": 0.1, "source": "DWP"},
        {
            "name": "Income",
            "column": "income",
            "value": 95,
            "tolerance": 0.1,
            "source": "HMRC",
            "url": "https://gov.uk",
        },
    ]
    held = HeldBenchmarks(
        benchmarks=read_benchmarks({"benchmarks": listed}, file="b.yaml"),
        figures={"uc": 36.9e9},
        measure="figures.json",
        files={"b.yaml": "ab12"},
    )
    assert _benchmarked(held) == [
        "passed benchmarks of b.yaml: sha256:ab12",
        "FAILED benchmarks of UC: 36.9 bn (0.487 of it); expected 75.8 bn within 0.1, by DWP",
        "passed benchmarks of Income: 100 (1.05 of it); expected 95 within 0.1, by HMRC, "
        "https://gov.uk",
    ]


def _benchmarked(held: HeldBenchmarks) -> list[str]:
    nomination = Nomination(
        name="cps",
        gates=Gates(benchmarks="b.yaml"),
        before=None,
        after=manifest_of(b"now"),
        totals={},
        data=None,  # type: ignore[arg-type]
        rule=GATED,
        profiles=Known(HAD),
        benchmarks=held,
    )
    return [str(one.result(GATED)) for one in MEASURING["benchmarks"](nomination, "b.yaml")]


@pytest.mark.parametrize(
    ("artifact", "require", "said"),
    [
        ("good", "/passed", "passed evidence of good /passed: true; expected true"),
        ("bad", "/passed", "FAILED evidence of bad /passed: false; expected true"),
        ("bad", "/no/such", "FAILED evidence of bad /no/such: not true or false; expected true"),
        ("bad", "/list/0/a~1b", "passed evidence of bad /list/0/a~1b: true; expected true"),
    ],
)
def test_evidence_must_be_true(artifact: str, require: str, said: str) -> None:
    asked = [{"artifact": artifact, "require": require}]
    assert judged(Known(HAD), evidence=asked) == [said]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({}, "expected a list"),
        ({"benchmarks": [{"name": "x", "value": 1, "tolerance": 0, "source": "s"}]}, "of neither"),
        ({"benchmarks": [{"name": "x", "value": "much"}]}, "value"),
    ],
)
def test_a_wrong_file_of_benchmarks_is_refused(content: dict[str, Any], fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        read_benchmarks(content, file="b.yaml")


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FormatError, match="no column 'incme'"):
        judged(Known(HAD, HAD), drift={"incme": 0.1})


def test_a_report_is_a_table_that_no_name_breaks() -> None:
    evil = Result(gate="tail", of="a|b<img>@team~~", passed=False, measured="1", expected="`x`")
    good = Result(gate="keys", of=None, passed=True)
    text = "\n".join(GateResults(cps=(good, evil)).to_markdown())
    assert "### cps: gates FAILED, 1 of 2 passed" in text
    assert "| tail | a\\|b&lt;img&gt;@&#8288;team\\~\\~ | 1 | \\`x\\` |" in text
    assert "<details><summary>1 passed</summary>" in text


def test_a_floor_of_rows_without_any_weight_is_no_pass() -> None:
    table = TableProfile(name="person", rows=100, columns={"income": column()})
    bare = Profile(access="public", minimum_carriers=10, tables=(table,))
    with pytest.raises(FormatError, match="no table of cps is weighted"):
        judged(Known(bare), n_eff=10)


def test_categories_that_no_profile_has_are_no_pass() -> None:
    """A column of too many values has none, and in a gated country one of few missing values."""
    said = judged(Known(HAD, HAD), categories=["income"])
    assert said == ["FAILED categories of income: not said; expected the same as before"]
