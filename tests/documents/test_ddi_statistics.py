"""DDI's statistics are those of the profile, and no others."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from pe_dvc.documents.dataset_formats import as_format
from pe_dvc.documents.ddi import NAMESPACE
from tests.support.described import PROFILE, dataset, statistics

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

Figures = dict[str, tuple[str | None, str | None]]


def variables(profile: dict[str, Any] | None = PROFILE) -> dict[str, ElementTree.Element]:
    known = None if profile is None else statistics(profile)
    root = ElementTree.fromstring(as_format(dataset(profile=known), "ddi"))
    return {str(each.get("name")): each for each in root.iter(f"{{{NAMESPACE}}}var")}


def figures(found: Iterable[ElementTree.Element]) -> Figures:
    return {str(one.get("type")): (one.text, one.get("wgtd")) for one in found}


def summary(variable: ElementTree.Element) -> Figures:
    return figures(variable.iter(f"{{{NAMESPACE}}}sumStat"))


def test_summaries_are_weighted_and_name_the_weight() -> None:
    found = variables()
    assert summary(found["age"]) == {
        "vald": ("2", "not-wgtd"),
        "invd": ("1", "not-wgtd"),
        "mean": ("41.5", "wgtd"),
        "medn": ("42", "wgtd"),
        "stdev": ("3.25", "wgtd"),
    }
    mean = next(one for one in found["age"].iter() if one.get("type") == "mean")
    assert mean.get("wgt-var") == found["person_weight"].get("ID")


def test_the_weight_itself_is_not_weighted() -> None:
    assert summary(variables()["person_weight"])["mean"] == ("10", "not-wgtd")


def test_categories_have_rows_and_shares_those_without_a_label_as_well() -> None:
    found = variables()["filing_status"]
    said = {}
    for category in found.iter(f"{{{NAMESPACE}}}catgry"):
        value = category.findtext(f"{{{NAMESPACE}}}catValu")
        said[value] = figures(category.iter(f"{{{NAMESPACE}}}catStat"))
    assert said == {
        "JOINT": {"freq": ("2", "not-wgtd"), "percent": ("75", "wgtd")},
        "<ODD>": {"freq": ("1", "not-wgtd"), "percent": ("25", "wgtd")},
        "SINGLE": {},
    }


def test_what_a_profile_does_not_say_is_not_said() -> None:
    assert summary(variables()["employment_income"]) == {}


@pytest.mark.parametrize("periods", [None, 2])
def test_without_a_profile_or_of_several_periods_there_are_none(periods: int | None) -> None:
    profile = None
    if periods is not None:
        profile = deepcopy(PROFILE)
        profile["tables"] = [profile["tables"][0] | {"period": f"202{n}"} for n in range(periods)]
    assert all(summary(one) == {} for one in variables(profile).values())
