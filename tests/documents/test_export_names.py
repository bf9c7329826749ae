"""Names and labels for Stata and SPSS: what is too long, reserved, or the same there."""

from __future__ import annotations

import pytest

from pe_dvc.documents.export_names import SPSS, STATA, NameRule, cut, fitting_names

LONG = "household_net_income_after_housing_costs"


@pytest.mark.parametrize(
    ("rule", "name", "expected"),
    [
        (STATA, "age", "age"),
        (STATA, LONG, "household_net_income_after_housin"[:32]),
        (STATA, "2024", "v_2024"),
        (STATA, "if", "v_if"),
        (STATA, "str20", "v_str20"),
        (STATA, "rent (weekly)", "rent__weekly_"),
        (STATA, "_n", "v__n"),
        (STATA, "größe", "gr__e"),
        (STATA, "", "v_"),
        (SPSS, LONG, LONG),
        (SPSS, "with", "v_with"),
        (SPSS, "_id", "v__id"),
        (SPSS, "x" * 70, "x" * 64),
    ],
)
def test_a_name_is_kept_or_made_fit(rule: NameRule, name: str, expected: str) -> None:
    found = fitting_names([name], rule)
    assert found == {name: expected}
    assert rule.fits(found[name])


def test_names_stay_apart_and_those_that_fit_keep_theirs() -> None:
    names = [f"{LONG}_{n}" for n in range(3)] + [LONG[:32]]
    found = fitting_names(names, STATA)
    assert found[LONG[:32]] == LONG[:32]
    assert len(set(found.values())) == 4
    assert list(found) == names
    assert all(STATA.fits(name) for name in found.values())


def test_spss_takes_upper_and_lower_case_for_the_same() -> None:
    assert fitting_names(["Age", "AGE"], SPSS) == {"Age": "Age", "AGE": "AGE_2"}
    assert fitting_names(["Age", "AGE"], STATA) == {"Age": "Age", "AGE": "AGE"}


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [("short", 80, "short"), ("a\n b", 80, "a b"), ("é" * 50, 80, "é" * 38 + "…"), ("", 5, "")],
)
def test_labels_are_cut_by_bytes_and_say_so(text: str, most: int, expected: str) -> None:
    found = cut(text, most)
    assert found == expected
    assert len(found.encode()) <= most
