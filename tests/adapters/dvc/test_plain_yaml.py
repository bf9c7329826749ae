"""Files of values alone are read from events: as from nodes, which read all the others."""

from __future__ import annotations

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.adapters.dvc import yaml
from pe_dvc.adapters.dvc.yaml import MAX_DEPTH, read_yaml
from pe_dvc.primitives.errors import FormatError

WORDS = st.sampled_from(
    [
        *("no", "yes", "true", "False", "null", "~", "", "010", "1_0", "0x1f", "0b1", "-7", "1e3"),
        *(
            "1.5",
            ".5",
            ".inf",
            ".nan",
            "2024-01-01",
            "<<",
            "=",
            "a b",
            "a: b",
            "# x",
            "é",
            "[",
            "'",
        ),
    ]
)
VALUES = st.recursive(
    WORDS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "b: ",
                "- ",
                "? ",
                "\n",
                "  ",
                "[",
                "]",
                "{",
                "}",
                ", ",
                ": ",
                "'",
                '"',
                "#",
                "|",
            ),
            *("&a ", "*a", "!!str ", "!", "<<: ", "---\n", "...\n", "1", "~", "no", "%", "\t"),
        ]
    ),
    max_size=14,
)


def not_plain(_: bytes) -> object:
    raise yaml._NotPlain


def outcome(data: bytes) -> object:
    try:
        return read_yaml(data, "dvc.yaml")
    except FormatError as error:
        return str(error)


def same(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that a file is read, or refused, as if it were read from nodes."""
    found = outcome(data)
    with monkeypatch.context() as patch:
        patch.setattr(yaml, "_plain", not_plain)
        assert repr(found) == repr(outcome(data))


@given(value=VALUES, flow=st.sampled_from([True, False, None]))
def test_values_are_read_as_from_nodes(value: object, flow: bool | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        text = pyyaml.safe_dump({"a": value}, default_flow_style=flow, allow_unicode=True)
        same(text.encode(), patch)


@given(pieces=PIECES)
def test_what_is_no_file_of_values_is_read_or_refused_as_from_nodes(pieces: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        same("".join(pieces).encode(), patch)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "# nothing\n",
            "--- {a: 1}\n",
            "a: 1\n---\nb: 2\n",
            "a: 1\na: 2\n",
            "1: x\ntrue: y\n",
        ),
        *("a: &x [1]\nb: *x\n", "a: {<<: {b: 1}}\n", "a: !!str 1\n", "? [a]\n: b\n", "a: '<<'\n"),
        *("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), "a: " + "[" * MAX_DEPTH),
        *("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH, "? " * 200, "a: " + "9" * 5000, "a: *x"),
    ],
)
def test_such_files(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same(text.encode(), monkeypatch)


def test_a_declaration_needs_no_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes, **_: object) -> object:
        raise AssertionError(data)

    monkeypatch.setattr(pyyaml, "load", refuse)
    text = "artifacts:\n  d:\n    path: 'd'\n    meta: {pe: {country: no, n: [1, 0.5, ~, true]}}\n"
    meta = {"pe": {"country": "no", "n": [1, 0.5, None, True]}}
    assert read_yaml(text.encode(), "x") == {"artifacts": {"d": {"path": "d", "meta": meta}}}
