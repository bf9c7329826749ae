from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import (
    MAX_NAME_LENGTH,
    check_country,
    check_distinct,
    check_name,
    country_code,
)
from pe_dvc.primitives.reference import Reference

DIGEST = "4e" * 32
segments = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,20}[A-Za-z0-9])?", fullmatch=True)
names = st.lists(segments, min_size=1, max_size=3).map("/".join)
selectors = st.one_of(
    st.sampled_from(["latest", "next", "1.78.2", "v1.78.2", "1.0.0-rc.1", "1.78.2rc1"]),
    st.sampled_from(["populace-us-2024-spm-20260915", "latest-national", "microcosm_0.1"]),
    st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format),
)


@given(st.sampled_from(["us", "uk", "nga", "uk-microcosm"]), names, selectors)
def test_a_reference_survives_printing_and_parsing(country: str, name: str, selector: str) -> None:
    text = f"pe-data://{country}/{name}@{selector}"
    reference = Reference.parse(text)
    assert str(reference) == text
    assert Reference.parse(str(reference)) == reference
    chosen = [reference.channel, reference.sha256, reference.release]
    assert sum(part is not None for part in chosen) == 1


def test_the_scheme_may_be_left_out() -> None:
    assert Reference.parse("us/states/AL@next") == Reference.parse("pe-data://us/states/AL@next")


@pytest.mark.parametrize(
    "text",
    [
        "pe-data:/us/x@latest",
        "pe-data:us/x@latest",
        "pe-data:///us/x@latest",
        "PE-DATA://us/x@latest",
    ],
)
def test_a_scheme_that_is_not_quite_right_is_answered_with_what_was_meant(text: str) -> None:
    with pytest.raises(FormatError, match="is not a reference") as caught:
        Reference.parse(text)
    assert caught.value.remedy == "Did you mean pe-data://us/x@latest?"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latest",
        "pe-data://us/enhanced_cps_2024",
        "pe-data://us/@latest",
        "pe-data:///x@latest",
        "pe-data://us/x@stable",
        "pe-data://us/x@Latest",
        "pe-data://us/x@NEXT",
        "pe-data://us/x@lastest",
        f"pe-data://us/x@{DIGEST}",
        "pe-data://us/x@a..b",
        "pe-data://us/x@label/",
        "pe-data://us/x@latest:12",
        "pe-data://us/x@",
        "pe-data://us/x@latest@next",
        "pe-data://US/x@latest",
        "pe-data://us/../uk/x@latest",
        "pe-data://us/a//b@latest",
        "pe-data://us/a/@latest",
        "pe-data://us/.hidden@latest",
        "pe-data://us/x\n@latest",
        "pe-data://us/\u0435nhanced@latest",  # a Cyrillic е
        f"pe-data://us/x@sha256:{DIGEST.upper()}",
        f"pe-data://us/x@sha256:{DIGEST[:-1]}",
        "pe-data://us/x@sha256:",
        "https://us/x@latest",
        "pe-data://us/a/b/c/d@latest",
    ],
)
def test_what_is_no_reference_is_refused_and_named(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        Reference.parse(text)
    assert repr(text)[1:-1] in str(caught.value) or text.split("@")[0].split("/")[-1] in str(
        caught.value
    )


@given(st.text(max_size=30))
def test_no_name_can_climb_out_of_its_directory(text: str) -> None:
    try:
        check_name(text)
    except FormatError:
        return
    assert set(text) <= set(string.ascii_letters + string.digits + "_-/")
    assert not text.startswith("/")
    assert ".." not in text
    assert "//" not in text


def test_names_have_a_longest_length() -> None:
    assert check_name("a" * MAX_NAME_LENGTH)
    with pytest.raises(FormatError):
        check_name("a" * (MAX_NAME_LENGTH + 1))


def test_countries_are_lower_case_codes() -> None:
    for right in ("uk", "bel", "uk-microcosm", "us-a2"):
        assert check_country(right) == right
    assert country_code("uk-microcosm") == country_code("uk") == "uk"
    ids = "a" * 16  # what follows a country in the names of directories of state
    for wrong in ("UK", "u", "unitedkingdom", "u/k", "..", "", "uk-", "-uk", "uk-Micro", "uk--a"):
        with pytest.raises(FormatError, match="not a country"):
            check_country(wrong)
    for wrong in (
        "uk-2",
        "uk-micro-cosm",
        "uk-micro_cosm",
        "uk-a/b",
        "uk-..",
        f"uk-{ids}",
        "uk-a\n",
    ):
        with pytest.raises(FormatError, match="not a country"):
            check_country(wrong)


def test_names_that_differ_by_case_alone_are_refused() -> None:
    check_distinct(["states/AL", "states/AK", "states/AL"])
    with pytest.raises(FormatError, match=r"states/AL.*states/al"):
        check_distinct(["states/AL", "states/al"])


def test_a_reference_without_a_channel_says_what_may_stand_there() -> None:
    with pytest.raises(FormatError) as caught:
        Reference.parse("us/enhanced_cps_2024")
    assert "pe-data://us/enhanced_cps_2024@latest" in (caught.value.remedy or "")


@pytest.mark.parametrize("wrong", [None, 7, b"us/x@latest"])
def test_what_is_no_reference_at_all_is_a_type_error(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"expected a reference such as 'pe-data://.*got"):
        Reference.of(wrong)  # type: ignore[arg-type]
