"""Whose a published manifest is, is not asked of one that is, byte for byte, the expected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import manifest_key
from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.digest import Sha256
from pe_dvc.usecases.published_manifest import read_manifest
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    import pytest


def test_an_expected_manifest_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    of_manifest = Payload.of_manifest

    def counted(data: bytes, *, where: str | None = None) -> Payload:
        asked.append(data)
        return of_manifest(data, where=where)

    monkeypatch.setattr(Payload, "of_manifest", counted)
    mine, other = manifest_of(b"data", name="a"), manifest_of(b"data", name="b")
    identity = Sha256(mine.artifact.sha256)
    store = CountingStore(MemoryStore())
    plain, own = manifest_key("us", identity), manifest_key("us", identity, "b")
    store.create(plain, mine.to_bytes())
    store.create(own, other.to_bytes())

    assert read_manifest(store, "us", identity, "a", mine.to_bytes()) == (mine.to_bytes(), plain)
    assert asked == []
    # Another dataset of the same bytes has a manifest of its own, which takes one request more.
    assert read_manifest(store, "us", identity, "b", other.to_bytes()) == (other.to_bytes(), own)
    assert asked == [mine.to_bytes()]
    assert store.calls["read"] == 3
