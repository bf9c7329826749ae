from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.primitives.canonical import canonical_digest, canonical_json, readable_json
from pe_dvc.primitives.digest import CHUNK_SIZE, check_sha256, chunk_digests, sha256_bytes
from pe_dvc.primitives.errors import FormatError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_sha256_of_known_bytes() -> None:
    # FIPS 180-4, the one-block example "abc".
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_bytes(b"abc") == expected


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE])
def test_a_chunk_list_covers_every_byte_once(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    expected = b"".join(
        hashlib.sha256(data[start : start + CHUNK_SIZE]).digest()
        for start in range(0, size, CHUNK_SIZE)
    )
    assert chunk_digests([data]) == expected
    blocks = [data[start : start + 2 * CHUNK_SIZE] for start in range(0, size, 2 * CHUNK_SIZE)]
    assert chunk_digests(blocks) == expected


@pytest.mark.parametrize("text", ["", "4e" * 31, "4E" * 32, "4g" * 32, " " + "4e" * 32, "4e" * 33])
def test_what_is_no_sha256_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="64 lower-case"):
        check_sha256(text)


@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_digest(turned) == canonical_digest(value)
    assert readable_json(turned) == readable_json(value)


def test_canonical_json_is_that_of_rfc_8785() -> None:
    # RFC 8785 section 3.2.4, the whole example.
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f",
        "literals": [None, True, False],
    }
    assert (
        canonical_json(value)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )
