"""The payload, read on its own, keeps to the rules of the manifest that it stands in."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError, UnsupportedVersionError
from tests.support.factories import manifest_of

DOCUMENT: dict[str, Any] = json.loads(manifest_of(b"some bytes").to_bytes())

FIELDS = [
    ("artifact",),
    *(("artifact", key) for key in ("country", "name", "path", "sha256", "size", "dvc", "chunks")),
    ("artifact", "location"),
    *(("artifact", "dvc", key) for key in ("hash", "md5")),
    *(("artifact", "chunks", key) for key in ("size", "sha256")),
]

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["us", "US", "a" * 64, "A" * 64, "a" * 32, "a" * 65, "a" * 64 + "\n", "md5"]),
    st.sampled_from(
        ["../x", "/x", "x/./y", "x//y", "x\\y", "data/x.parquet", "states/AL", "a" * 129]
    ),
    st.just([]),
    st.just({}),
)


def changed(field: tuple[str, ...], value: Any) -> bytes:
    document = copy.deepcopy(DOCUMENT)
    section = document
    for key in field[:-1]:
        section = section[key]
    section[field[-1]] = value
    return json.dumps(document).encode()


def test_it_is_what_the_manifest_says() -> None:
    payload = Payload.of_manifest(json.dumps(DOCUMENT).encode())
    artifact = Manifest.from_bytes(json.dumps(DOCUMENT).encode()).artifact
    assert artifact.chunks is not None
    assert payload == Payload(
        country=artifact.country,
        name=artifact.name,
        path=artifact.path,
        sha256=Sha256(artifact.sha256),
        size=artifact.size,
        md5=artifact.dvc.md5,
        chunk_size=artifact.chunks.size,
        chunks_sha256=Sha256(artifact.chunks.sha256),
    )


@given(field=st.sampled_from(FIELDS), value=VALUES)
def test_it_refuses_what_the_manifest_refuses_and_nothing_else(
    field: tuple[str, ...], value: Any
) -> None:
    data = changed(field, value)
    try:
        Manifest.from_bytes(data)
    except FormatError:
        with pytest.raises(FormatError, match=r"not (the JSON of )?a manifest: "):
            Payload.of_manifest(data)
    else:
        Payload.of_manifest(data)


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field[-1] != "location"], ids=".".join
)
def test_a_field_that_is_missing_is_named(field: tuple[str, ...]) -> None:
    document = copy.deepcopy(DOCUMENT)
    section = document
    for key in field[:-1]:
        section = section[key]
    del section[field[-1]]
    with pytest.raises(FormatError, match=f"{field[-1]}: expected") as caught:
        Payload.of_manifest(json.dumps(document).encode(), where="here")
    assert caught.value.where == "here"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff", b"null"])
def test_what_is_no_manifest_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="manifest"):
        Payload.of_manifest(data, where="here")


def test_a_newer_major_version_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedVersionError, match="schema version 2"):
        Payload.of_manifest(json.dumps({**DOCUMENT, "schema_version": 2}).encode())
