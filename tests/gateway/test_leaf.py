"""Entries as bytes: canonical, complete, and bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.gateway.leaf import PERSONAL, canonical_leaf, decode_leaf, encode_leaf
from pe_dvc.primitives.canonical import canonical_json
from pe_dvc.primitives.errors import FormatError
from tests.support.reads import a_read

NAMES = dict.fromkeys(PERSONAL, "00ff")
VALUES = st.text() | st.integers(0, 2**53 - 1) | st.none() | st.lists(st.text(), max_size=3)


@given(st.dictionaries(st.sampled_from(["a", "index", "v", "columns", "z_b"]), VALUES))
def test_the_bytes_are_canonical_json(values: dict[str, object]) -> None:
    assert canonical_leaf(values) == canonical_json(values)


def test_an_entry_is_read_as_it_was_written() -> None:
    read = replace(a_read(), version=None, sha256=None, length=7, last_byte=None, columns=())
    leaf = decode_leaf(encode_leaf(3, read, NAMES), where="it")
    assert leaf.index == 3
    assert leaf.read == replace(read, person="00ff", client_address="00ff", token_id="00ff")


def test_of_many_columns_the_first_are_named() -> None:
    read = replace(a_read(), columns=tuple(f"column_{n:06}" for n in range(10_000)))
    columns = decode_leaf(encode_leaf(0, read, NAMES), where="it").read.columns
    assert columns[0] == "column_000000"
    assert columns[-1] == f"… and {10_000 - len(columns) + 1} more"


def test_an_entry_beyond_the_limit_of_logs_is_refused() -> None:
    with pytest.raises(FormatError, match="65535 bytes"):
        encode_leaf(0, replace(a_read(), object_key="x" * 65_536), NAMES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"index":0', b'"index":"0"'),
        (b'"index":0,', b""),
        (b'"columns":[', b'"columns":[1,'),
        (b'"first_byte":0', b'"first_byte":-1'),
        (b'"person":"00ff"', b'"person":null'),
        (b"T12:00:00", b" 12-00-00"),
        (b".000000Z", b""),
        (b"{", b"["),
    ],
)
def test_another_form_is_refused(old: bytes, new: bytes) -> None:
    data = encode_leaf(0, a_read(), NAMES)
    assert old in data
    with pytest.raises(FormatError):
        decode_leaf(data.replace(old, new, 1), where="it")
