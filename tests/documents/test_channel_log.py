"""What signed metadata says of a channel's log: what is written is read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pe_dvc.documents.channel_log import (
    LONGEST_OVERRIDE,
    MOST_ENTRIES,
    MOST_OVERRIDES,
    Leaf,
    LogState,
    log_name,
    log_state,
    reasons_given,
)
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.errors import FormatError
from pe_dvc.tlog.tiles import MAX_ENTRY

WHERE = "snapshot"
NUMBERS = st.integers(1, 2**53 - 1)
LEAVES = st.builds(
    Leaf,
    st.sampled_from(["root", "targets", "latest"]),
    NUMBERS,
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    NUMBERS,
    st.lists(st.text(), max_size=30).map(reasons_given),
)


@st.composite
def _states(draw: st.DrawFn) -> LogState:
    entries = tuple(draw(st.lists(LEAVES, min_size=1, max_size=3)))
    after = draw(st.integers(0, 9))
    size = len(entries) + (draw(NUMBERS) % 1000 + 1 if after else 0)
    index = draw(st.dictionaries(st.sampled_from(["latest", "next"]), st.integers(0, size - 1)))
    root, number = draw(st.binary(min_size=32, max_size=32)), draw(st.integers(1, 3))
    return LogState(size, root, number, (), draw(NUMBERS), after, entries, index)


STATE = LogState(
    7, bytes(32), 1, (), 2, 4, (Leaf("latest", 5, "ab" * 32, 100, ("late data",)),), {"latest": 6}
)


@settings(max_examples=50, deadline=None)
@given(_states())
def test_what_a_snapshot_says_is_read_as_it_was_written(state: LogState) -> None:
    field = json.loads(json.dumps(state.to_field()))
    assert log_state({LOG_FIELD: field}, where=WHERE) == state
    copy = state.copy_for_timestamp(["a line"])
    assert log_state({LOG_FIELD: copy.to_field()}, where=WHERE) == copy
    assert copy.is_same_tree(state)
    assert not copy.is_same_tree(replace(state, size=state.size + 1))


@settings(max_examples=50, deadline=None)
@given(LEAVES)
def test_an_entry_has_one_form_and_fits_into_a_log(leaf: Leaf) -> None:
    data = leaf.to_bytes()
    assert Leaf.parse(data, where="entry") == leaf
    assert len(data) < MAX_ENTRY
    with pytest.raises(FormatError, match="canonical"):
        Leaf.parse(data.replace(b",", b", ", 1), where="entry")


def test_fields_of_a_later_pe_dvc_are_passed_over() -> None:
    assert log_state({LOG_FIELD: STATE.to_field() | {"later": [1]}}, where=WHERE) == STATE
    assert log_state({}, where=WHERE) is None


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": True},
        {"size": 7.0},
        {"size": "7"},
        {"size": 2**53},
        {"size": MOST_ENTRIES + 1},
        {"root": "ab"},
        {"root": "AB" * 32},
        {"root": None},
        {"number": 0},
        {"cosignatures": "a line"},
        {"cosignatures": [1]},
        {"after": -1},
        {"after": 0},
        {"roots": 0},
        {"index": {"latest": 7}},
        {"index": {"latest": -1}},
        {"index": []},
        {"entries": None},
        {"entries": [{}]},
        {"entries": [STATE.entries[0].to_json() | {"version": 0}]},
        {"entries": [STATE.entries[0].to_json() | {"role": "../x"}]},
        {"entries": [STATE.entries[0].to_json() | {"overrides": [1]}]},
        {"entries": [STATE.entries[0].to_json() | {"overrides": ["x" * 201]}]},
        {"entries": [STATE.entries[0].to_json() | {"overrides": ["x"] * 9}]},
        {"entries": [STATE.entries[0].to_json()] * 7},
        {"entries": [STATE.entries[0].to_json()] * 8},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        log_state({LOG_FIELD: STATE.to_field() | change}, where=WHERE)


def test_a_root_names_the_log_and_one_begun_again_has_another_name() -> None:
    assert log_name({}, "us", where="root") == (1, "pe-dvc/us")
    assert log_name({LOG_FIELD: {"number": 2}}, "us", where="root") == (2, "pe-dvc/us/2")
    named = {LOG_FIELD: {"origin": "log.example.org/us"}}
    assert log_name(named, "us", where="root") == (1, "log.example.org/us")
    wrong: list[Any] = [{"number": 0}, {"number": "2"}, {"origin": "a b"}, {"origin": 1}, [], "2"]
    for value in wrong:
        with pytest.raises(FormatError):
            log_name({LOG_FIELD: value}, "us", where="root")


def test_reasons_are_few_short_and_plain() -> None:
    assert reasons_given(["b", "a", "b"]) == ("a", "b")
    assert reasons_given(['it is "final"\n\\ok']) == ("it is 'final' 'ok",)
    many = reasons_given([f"{number:02}" for number in range(20)])
    assert len(many) == MOST_OVERRIDES
    assert many[-1] == "and 13 more"
    assert len(reasons_given(["x" * 1000])[0]) == LONGEST_OVERRIDE
