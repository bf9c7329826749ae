"""JSON that a stranger wrote: a value, or a FormatError that says why not, at once."""

from __future__ import annotations

import json
import time

import pytest

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import MAX_DEPTH, read_json

HOSTILE = {
    "lists in lists": (b"[" * 1_000_000, "nested more than"),
    "objects in objects": (b'{"a":' * 200_000, "nested more than"),
    "closed lists in lists": (b"[" * 100 + b"]" * 100, "nested more than"),
    "a key given twice": (b'{"a": 1, "a": 2}', "given twice"),
    "a number of 5000 digits": (b"9" * 5000, "more than 20 digits"),
    "1e999999999": (b"[1e999999999]", "too large"),
    "-1e999999999": (b"[-1e999999999]", "too large"),
    "NaN": (b"[NaN]", "NaN is not JSON"),
    "Infinity": (b"[-Infinity]", "-Infinity is not JSON"),
    "half of a character, escaped": (rb'["\ud800"]', "half of a character"),
    "half of a character, as bytes": (b'["\xed\xa0\x80"]', "utf-8"),
    "UTF-16": ("{}".encode("utf-16"), "utf-8"),
    "a mark of the byte order": (b"\xef\xbb\xbf{}", "BOM"),
    "NUL": (b"\x00", "Expecting value"),
    "nothing": (b"", "Expecting value"),
    "quotes without end": (b'"\\' * 500_000, "Unterminated string"),
    "brackets in a text": (b'"' + b"[" * 1000 + b'"]', "Extra data"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_by_name_at_once(name: str) -> None:
    data, reason = HOSTILE[name]
    start = time.process_time()
    with pytest.raises(FormatError, match=r"x\.json: not the JSON of a manifest") as caught:
        read_json(data, what="a manifest", where="x.json")
    assert reason in caught.value.message
    assert len(caught.value.message) < 500
    assert time.process_time() - start < 5


def test_what_documents_hold_is_read() -> None:
    deep: object = "x"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert read_json(json.dumps(deep).encode(), what="a list") == deep
    value = {"a": [1, 1.5, -0.0, True, None, 2**63], 'é😀\\"[{': "]}"}
    for ascii_only in (True, False):
        data = json.dumps(value, ensure_ascii=ascii_only).encode()
        assert read_json(data, what="a manifest") == value
