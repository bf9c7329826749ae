"""What may be said of what was computed from microdata: of a public country, of a gated one."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.documents.disclosure import (
    GATED,
    Computed,
    Count,
    Disclosure,
    Finding,
    Repeated,
    Total,
    Value,
    default_access,
)
from pe_dvc.documents.override import may_hold_values, override_note, without_values
from tests.support.disclosure import PUBLIC

KEY = 940417123


def said(part: Computed, rule: Disclosure) -> str:
    return rule.say(Finding.alike(part))


@pytest.mark.parametrize("computed", [Value(KEY), Count(KEY, "row"), Total(KEY, carriers=KEY)])
def test_nothing_prints_by_itself(computed: Computed) -> None:
    texts = [str(computed), repr(computed), f"{computed}", f"{computed!r}", f"{computed:>30}"]
    texts += ["%s %r" % (computed, computed), format(computed, ","), str([computed])]  # noqa: UP031
    texts += [str(Finding.alike("it is ", computed)), repr(Finding.alike(computed))]
    texts += [repr(Repeated(Count(KEY, "key"), Count(KEY, "row"), Value(KEY)))]
    assert not [text for text in texts if "940" in text]


@pytest.mark.parametrize(
    "way",
    [
        copy.copy,
        copy.deepcopy,
        pickle.dumps,
        json.dumps,
        vars,
        float,
        int,
        hash,
        lambda value: asdict(Finding.alike(value)),
    ],
)
def test_there_is_no_way_to_write_it(way: Any) -> None:
    with pytest.raises(TypeError) as caught:
        way(Value(KEY))
    assert str(KEY) not in str(caught.value)


def test_gates_compare_it() -> None:
    assert Value(3) < 5 <= Value(5) <= Count(5, "row")
    assert Value("a") == "a"
    assert not Count(0, "row")
    assert Total(105.0, carriers=1).has_moved(100.0, 0.04)
    assert not Total(105.0, carriers=1).has_moved(100.0, 0.05)
    assert Total(float("nan"), carriers=1).has_moved(100.0, 1.0)


@pytest.mark.parametrize(
    ("part", "public", "gated"),
    [
        (Value(KEY), "940417123", "a value"),
        (Value("Ann"), "'Ann'", "a value"),
        (Count(1, "row"), "1 row", "fewer than 10 rows"),
        (Count(9, "key"), "9 keys", "fewer than 10 keys"),
        (Count(10, "key"), "10 keys", "10 keys"),
        (Count(12345, "row", of=12345), "12,345 rows", "12,345 rows"),
        (Count(12345, "row", of=12349), "12,345 rows", "all but fewer than 10 rows"),
        (Total(1234.5, carriers=10), "1,234.5", "1,234.5"),
        (Total(1234.5, carriers=9), "1,234.5", "a total of fewer than 10 rows"),
        (Total(float("inf"), carriers=99), "inf", "a total of fewer than 10 rows"),
    ],
)
def test_what_is_said(part: Computed, public: str, gated: str) -> None:
    assert said(part, PUBLIC) == public
    assert said(part, GATED) == gated
    assert said(part, PUBLIC.signed) == gated, "what is signed is as of a gated country"


def test_a_steward_decides_how_few_are_too_few() -> None:
    rule = Disclosure(access="gated", minimum_carriers=30)
    assert said(Count(29, "row"), rule) == "fewer than 30 rows"
    assert said(Count(29, "row"), rule.signed) == "fewer than 30 rows"
    assert rule.signed_total(Total(7.0, carriers=29)) is None
    assert rule.signed_total(Total(7.0, carriers=30)) == "7.0"
    assert PUBLIC.signed_total(Total(7.0, carriers=1)) == "7.0"


def test_gated_unless_someone_says_otherwise() -> None:
    assert Disclosure().is_gated
    assert (default_access("uk"), default_access("us")) == ("gated", "public")
    assert (default_access("uk-microcosm"), default_access("us-uk")) == ("gated", "public")


def test_what_a_library_says_of_a_value() -> None:
    error = ValueError(f"could not convert {KEY}\n  to float")
    assert PUBLIC.reason(error) == "could not convert 940417123 to float"
    assert GATED.reason(error) == "ValueError"


@given(st.integers(-(2**63), 2**63) | st.text(min_size=3) | st.floats(allow_nan=False))
def test_no_value_is_said_of_a_gated_country(value: Any) -> None:
    finding = Finding(public=(Value(value),), counts=("a key: ", Value(value)))
    assert GATED.say(finding) == str(finding) == "a key: a value"


OLD = {
    "reason": "The survey was revised",
    "failed": [
        "frs: gate keys of person_id: 940417123 occurs twice; expected unique keys",
        "frs: gate columns of person.age: it is gone; expected a column of type int64",
        "frs: gate Ann_Lee of name: Ann Lee; expected somebody",
    ],
}


def test_the_override_of_an_earlier_version_is_read_and_not_signed_again() -> None:
    assert may_hold_values({"override": OLD})
    notes = without_values({"override": OLD, "totals": {"income": "7.0"}})
    assert notes["override"]["reason"] == "The survey was revised"
    assert notes["override"]["failed"] == [
        "gate keys",
        "frs: gate columns of person.age: it is gone; expected a column of type int64",
        "gate of another package",
    ]
    assert notes["totals"] == {"income": "7.0"}
    assert not may_hold_values(notes)
    assert without_values(notes) == notes


@pytest.mark.parametrize("note", [None, "text", 7, [], {}, {"failed": []}])
def test_overrides_that_hold_no_values(note: Any) -> None:
    assert not may_hold_values({"override": note})
    assert without_values({"override": note}) == {"override": note}


@pytest.mark.parametrize("failed", [None, "Ann", {"a": 1}, [7], [None]])
def test_overrides_of_an_odd_form_are_not_signed_again(failed: Any) -> None:
    assert may_hold_values({"override": {"failed": failed}})
    assert not may_hold_values(without_values({"override": {"failed": failed}}))


def test_a_new_override_says_that_it_has_counts_only() -> None:
    assert not may_hold_values({"override": override_note("why", ["frs: gate keys: 12 keys"])})
