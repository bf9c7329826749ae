"""Sizes that no file can have, and lists that no memory should hold, are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.reference import Reference
from pe_dvc.store.cache import Cache
from pe_dvc.usecases.read.chunks import load_chunk_list
from pe_dvc.usecases.read.found_manifest import FoundManifest
from pe_dvc.usecases.read.resolve import Resolved
from tests.support.factories import manifest_of, pointer_to
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path


def sized(size: int) -> bytes:
    document: Any = json.loads(manifest_of(b"payload").to_bytes())
    document["artifact"]["size"] = size
    return json.dumps(document).encode()


@pytest.mark.parametrize("size", [-1, 2**63, 10**19])
def test_a_size_that_no_file_can_have(size: int) -> None:
    for read in (Payload.of_manifest, Manifest.from_bytes):
        with pytest.raises(FormatError, match="size"):
            read(sized(size), where="m.json")
    with pytest.raises(FormatError, match="is not a size in bytes"):
        pointer_to(manifest_of(b"payload"), size=size)


def test_a_chunk_list_longer_than_any_document(tmp_path: Path) -> None:
    data = sized(2**63 - 1)
    payload = Payload.of_manifest(data)
    reference = Reference.pinned("us", payload.name, payload.sha256)
    found = FoundManifest(data, "m.json")
    resolved = Resolved(reference=reference, payload=payload, _description=found, pointer=None)
    with pytest.raises(FormatError, match="a list of so many is not read"):
        load_chunk_list(resolved, store=MemoryStore(), cache=Cache(tmp_path))
