"""TOML that a stranger wrote: tables, or a FormatError that says why not, within a second or so."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.toml_reader import MAX_DEPTH, read_toml

LIMIT = 256 * 1024
HOSTILE = {
    "lists in lists": "a = " + "[" * 100_000,
    "closed lists in lists": "a = " + "[" * 200 + "]" * 200,
    "tables in tables": "a = " + "{a = " * 20_000,
    "a dotted key without end": ".".join(["a"] * 100_000) + " = 1",
    "a dotted key in quotes": " . ".join(['"a\\"b"', "'c'"] * 1000) + " = 1",
    "a dotted key within a table": "a = {" + ".".join(["a"] * 100_000) + " = 1}",
    "a header without end": "[" + ".".join(["a"] * 100_000) + "]\nb = 1",
    "long keys below a long header": "[" + ".".join(["a"] * 31) + "]\n" + "b.b.b.b = 1\n" * 2,
    "a number of 5000 digits": "a = " + "9" * 5000,
    "more bytes than are read": "#" * (LIMIT + 1),
    "a key given twice": "a = 1\na = 2",
    "half a character": 'a = "\\ud800"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_toml_is_refused_by_name_at_once(name: str) -> None:
    start = time.process_time()
    with pytest.raises(FormatError, match=r"p\.toml: is not TOML") as caught:
        read_toml(HOSTILE[name].encode(), where="p.toml", limit=LIMIT, remedy="Correct it.")
    assert len(caught.value.message) < 500
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "text", ['"\\"' * 40_000, '"a' * 80_000, "\"a.'" * 60_000, "a.\n" * 80_000, "a . " * 60_000]
)
def test_the_search_for_long_keys_takes_no_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(FormatError):
        read_toml(text.encode(), where="p.toml", limit=LIMIT, remedy="Correct it.")
    assert time.process_time() - start < 5


def test_tables_of_the_allowed_depth_are_read() -> None:
    key = ".".join(["a"] * MAX_DEPTH)
    found: Any = read_toml(f"{key} = 1".encode(), where="p.toml", limit=LIMIT, remedy="")
    for _ in range(MAX_DEPTH):
        found = found["a"]
    assert found == 1
