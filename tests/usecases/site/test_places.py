"""Where pages are: one file for each name, on every file system, and none outside the site."""

from __future__ import annotations

import pytest

from pe_dvc.usecases.site.places import link, variable_page


def test_a_plain_name_is_its_own_file_s_name() -> None:
    assert variable_page("us", "employment_income") == "us/variables/employment_income.html"


@pytest.mark.parametrize(
    "name",
    [
        "RECID",
        "../../x",
        "",
        ".",
        "a b",
        "é",
        "x" * 300,
        "a/b",
        "a\\b",
        "\ud800",
        "a\n",
        "con:",
        "a.b",
    ],
)
def test_any_other_name_is_a_file_in_the_folder(name: str) -> None:
    path = variable_page("us", name)
    stem = path.removeprefix("us/variables/").removesuffix(".html")
    assert stem.replace("-", "").replace("_", "").isalnum()
    assert stem.isascii()
    assert len(stem) < 100


def test_no_two_names_have_one_file() -> None:
    names = ["recid", "RECID", "Recid", "re cid", "re-cid", "re\tcid", "é", "e", "x" * 80, "x" * 81]
    assert len({variable_page("us", name).lower() for name in names}) == len(names)
    digest = variable_page("us", "RECID").removeprefix("us/variables/").removesuffix(".html")
    assert variable_page("us", digest) != variable_page("us", "RECID")


def test_links_are_relative() -> None:
    assert link("us/datasets/states/AL.html", "static/site.css") == "../../../static/site.css"
    assert link("index.html", "us/root.json") == "us/root.json"
