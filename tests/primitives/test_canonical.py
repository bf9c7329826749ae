"""JSON that is written by Python's C encoder is, byte for byte, what the libraries write."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical

from pe_dvc.primitives.canonical import canonical_json, readable_json, unescaped_json

WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)


def values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.text() | st.text("ab.e1-", max_size=4) | leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )


@given(values(WHOLE))
@example({"b": [1, "1.5", True], "a": {"é": None, "\U0001f600": 1, "\uffff": 2}})
@example(['"', "\\", "\n", "\x7f", "\u2028"])
def test_what_tuf_signs_is_what_securesystemslib_writes(value: Any) -> None:
    quick = unescaped_json(value)
    expected = encode_canonical(value)
    assert expected is not None
    assert quick in (None, expected.encode())


def test_text_without_escapes_needs_no_library() -> None:
    assert (
        unescaped_json({"b": ["é", 1, True], "a": None}) == '{"a":null,"b":["é",1,true]}'.encode()
    )
    assert unescaped_json({"a": 'a "quoted" word'}) is None


@given(values(WHOLE | st.floats(allow_nan=False, allow_infinity=False)))
@example({"\uffff": 1, "\U0001f600": 2})
@example([1e21, 1e-7, 0.5, -0.0, 10.0, 123456789012345.0, "0.5", "1e3", 2**53 - 1])
def test_canonical_json_is_what_rfc8785_writes(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**60), float("nan"), float("inf"), {1}, {"a": 2**53}])
def test_what_json_cannot_hold_exactly_is_refused(value: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_json(value)


@given(values(st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_readable_json_says_the_same_in_order(value: Any) -> None:
    said = readable_json(value).decode()
    assert json.loads(said) == value
    assert json.dumps(json.loads(said)) == json.dumps(value, sort_keys=True)


def test_readable_json_is_laid_out_for_reviews() -> None:
    value = {
        "b": [{"name": "x", "type": "int64"}, {"in": {"k": 1}}, [], "t", 1],
        "a": {},
        "c": {"z": 1, "ä": None},
    }
    assert readable_json(value).decode() == (
        '{\n  "a": {},\n  "b": [\n    {"name":"x","type":"int64"},\n    {\n      "in": {\n'
        '        "k": 1\n      }\n    },\n    [],\n    "t",\n    1\n  ],\n'
        '  "c": {\n    "z": 1,\n    "ä": null\n  }\n}\n'
    )
