"""What is signed is read and written alike in Python and in the browser, to the byte."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from tests.support.browser_client import STATIC, node
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Canonical = Callable[[bytes], bytes | None]

EXACT = 2**53 - 1
"""The largest whole number that a browser holds exactly; it refuses what is beyond."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Canonical]:
    """Return a document's canonical JSON as the browser makes it, None if it refuses."""
    script = ROOT / "tests/support/canonical_json.mjs"
    with subprocess.Popen(
        [node(), script, (STATIC / "canonical-json.js").as_uri()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        write, read = process.stdin, process.stdout

        def canonical(document: bytes) -> bytes | None:
            write.write(base64.b64encode(document).decode() + "\n")
            write.flush()
            said = read.readline()
            assert said, "the browser's reader ended"
            assert not said.startswith("failed"), said
            return None if said.startswith("refused") else base64.b64decode(said)

        yield canonical
        write.close()


def ours(document: bytes) -> bytes | None:
    """Return the same as Python's signer makes it."""
    try:
        value = read_json(document, what="a document", fractions=False)
    except FormatError:
        return None
    if any(abs(number) > EXACT for number in numbers_in(value)):
        return None
    text = encode_canonical(value)
    assert text is not None
    return text.encode()


def numbers_in(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers_in(one)
    elif isinstance(value, int):
        yield value


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["__proto__", "constructor", "\U0001f600", "\ue000", "\uffff", "\U00010000", '"', "\\", "\x00"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=400)
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_documents_have_one_canonical_form(
    browser: Canonical, value: object, ascii_only: bool, indent: int | None
) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert browser(document) == ours(document)


@settings(max_examples=400)
@given(VALUES, st.data())
def test_damaged_documents_are_refused_by_both(
    browser: Canonical, value: object, data: st.DataObject
) -> None:
    document = json.dumps(value).encode()
    place = data.draw(st.integers(0, len(document)))
    cut = data.draw(st.integers(0, 3))
    pieces = st.sampled_from(
        [b"", b"1.0", b"-0", b"1e5", b",", b'"', b"\\ud800", b"\xff", b"{", b"]"]
    )
    damaged = document[:place] + data.draw(pieces) + document[place + cut :]
    assert browser(damaged) == ours(damaged)


@pytest.mark.parametrize(
    "document",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": [{"b": 1, "b": 1}]}',
        b"1.0",
        b"1E2",
        b"-0.0",
        b"NaN",
        b"Infinity",
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        b'\xef\xbb\xbf{"a": 1}',
        b'"\xff"',
        b"[" * 200 + b"]" * 200,
        b"[" * 100_000 + b"]" * 100_000,
        b"",
        b"{} {}",
        b"123456789012345678901",
        b'"\n"',
    ],
)
def test_what_readers_take_differently_is_refused_by_both(
    browser: Canonical, document: bytes
) -> None:
    assert ours(document) is None
    assert browser(document) is None


@pytest.mark.parametrize(
    ("document", "canonical"),
    [
        (b"-0", b"0"),
        (b'"\\u00e9\\n\\/"', '"é\n/"'.encode()),
        (b'{"\\ud83d\\ude00": 1, "\\ue000": 2}', '{"\ue000":2,"\U0001f600":1}'.encode()),
        (b'{"__proto__": {"a": 1}}', b'{"__proto__":{"a":1}}'),
        (b'{"10": 1, "9": 2}', b'{"10":1,"9":2}'),
        (b"[" * 64 + b"]" * 64, b"[" * 64 + b"]" * 64),
        (str(EXACT).encode(), str(EXACT).encode()),
        (b'["{", "[", ":", "1.5", "\\\\"]', b'["{","[",":","1.5","\\\\"]'),
    ],
)
def test_canonical_json(browser: Canonical, document: bytes, canonical: bytes) -> None:
    assert ours(document) == canonical
    assert browser(document) == canonical


def test_long_text_is_read(browser: Canonical) -> None:
    document = json.dumps({"a": 'x"\\' * 500_000}).encode()
    assert browser(document) == ours(document)
