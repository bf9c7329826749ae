"""A pin verifies bytes: what the bucket's manifest says of them decides nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pe_dvc
from pe_dvc.adapters.tables.formats import FORMATS
from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.payload import HARMLESS_SUFFIXES
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import DigestMismatchError, PeDvcError
from tests.support.factories import manifest_of

DATA = b"some data\n" * 1000
TB = 10**12


@dataclass(frozen=True)
class Bucket:
    """A directory store that somebody hostile writes."""

    root: Path

    def put(self, data: bytes, name: str = "cps", **artifact: Any) -> str:
        """Publish bytes with a manifest forged in ``artifact``; return their pin."""
        manifest = manifest_of(data, name=name)
        sha256, md5 = Sha256(manifest.artifact.sha256), manifest.artifact.dvc.md5
        document = json.loads(manifest.to_bytes())
        document["artifact"] |= artifact
        for key, content in (
            (manifest_key("us", sha256), json.dumps(document).encode()),
            (payload_key("us", md5), data),
        ):
            path = self.root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return f"pe-data://us/{name}@sha256:{sha256}"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PE_DVC_CACHE_DIR", str(tmp_path / "cache"))
    return Bucket(tmp_path / "store")


@pytest.mark.parametrize("path", [".bashrc", "x/.ssh", "authorized_keys", "a.py", "b.desktop"])
def test_a_forged_manifest_chooses_no_path(bucket: Bucket, tmp_path: Path, path: str) -> None:
    home = tmp_path / "home of mine"
    home.mkdir()
    victim = home / Path(path).name
    victim.write_text("mine")
    got = pe_dvc.get(bucket.put(DATA, path=path), output=home)
    assert victim.read_text() == "mine"
    assert got.path == home / "cps"
    assert got.path.read_bytes() == DATA
    assert not got.manifest_verified
    assert {found.suffix for found in (tmp_path / "cache/artifacts").glob("??/*")} == {
        "",
        ".verified",
    }


def test_every_format_has_a_suffix_that_stays() -> None:
    assert {suffix for kind in FORMATS for suffix in kind.suffixes} <= HARMLESS_SUFFIXES


def test_a_known_suffix_stays(bucket: Bucket, tmp_path: Path) -> None:
    pin = bucket.put(DATA, name="states/AL", path="data/x.h5")
    got = pe_dvc.get(pin, output=tmp_path)
    assert got.path == tmp_path / "AL.h5"


def test_a_forged_size_evicts_nothing(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PE_DVC_CACHE_LIMIT", "1MB")
    kept = [pe_dvc.fetch(bucket.put(DATA + bytes([n]))) for n in range(5)]
    pin = bucket.put(b"other", size=5 * TB)
    for read in (pe_dvc.fetch, pe_dvc.open):
        with pytest.raises(DigestMismatchError, match="which a pin does not verify"):
            read(pin)
    assert all(path.exists() for path in kept)
    assert not list((tmp_path / "cache/partial").glob("*.data"))


def test_a_pin_makes_room_once_it_is_verified(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PE_DVC_CACHE_LIMIT", str(3 * len(DATA)))
    monkeypatch.setattr("pe_dvc.usecases.read.download.SINGLE_REQUEST_MAX_BYTES", len(DATA))
    from pe_dvc.public.machine import Cache

    for size in range(6):  # by one request, and by a file that grows
        pin = bucket.put(DATA + bytes(size))
        code = f"import pe_dvc; pe_dvc.fetch({pin!r})"
        from tests.support.commands import run

        run("python", "-c", code)  # what a process has read stays as long as it lives
    taken = sum(entry.size for entry in Cache().entries())
    assert taken <= 3 * len(DATA) + 6


def test_an_object_that_is_not_as_pinned(bucket: Bucket) -> None:
    pin = bucket.put(DATA)
    for path in (bucket.root / "us/files").rglob("*"):
        if path.is_file():
            path.write_bytes(DATA[:-1] + b"x")
    with pytest.raises(PeDvcError):
        pe_dvc.fetch(pin)


def test_unverified_is_said(bucket: Bucket) -> None:
    resolved = pe_dvc.resolve(bucket.put(DATA))
    assert resolved.manifest_verified is False
    assert resolved.to_json()["manifest_verified"] is False
