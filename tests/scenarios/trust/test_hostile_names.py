"""Path traversal and look-alikes, in every place where a name becomes a path or a key."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.dvc.cache import object_path, read_dir_listing
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents import keys
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.reference import Reference
from pe_dvc.store.cache import Cache
from tests.support.factories import manifest_of
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIGEST = sha256_bytes(b"")
CLIMBING = ["../x", "a/../../x", "..", ".", "/etc/passwd", "a//b", "", "a/", "a\\..\\b", "a\x00b"]
ALIKE = ["\u0441ps_2024", "cps\u200b_2024", "cps_\uff12024", "e\u0301", "cps_2024\n", " cps_2024"]


@pytest.mark.parametrize("name", CLIMBING + ALIKE)
@pytest.mark.parametrize(
    "use",
    [
        lambda name: Pointer(
            country="us", channel="latest", name=name, sha256=DIGEST, size=0, manifest_sha256=DIGEST
        ),
        lambda name: Pointer(
            country=name, channel="latest", name="a", sha256=DIGEST, size=0, manifest_sha256=DIGEST
        ),
        lambda name: Pointer.from_target(f"us/latest/{name}", {}),
        lambda name: Reference.parse(f"pe-data://us/{name}@latest"),
        lambda name: Reference.parse(f"pe-data://{name}/a@latest"),
        lambda name: Reference.parse(f"pe-data://us/a@{name}"),
        lambda name: Reference.parse(f"pe-data://us/a@sha256:{name}"),
        lambda name: keys.channel_prefix(name),
        lambda name: keys.manifest_key(name, DIGEST),
        lambda name: keys.manifest_key("us", Sha256(name)),
        lambda name: keys.chunks_key("us", Sha256(name)),
        lambda name: keys.payload_key("us", name),
        lambda name: keys.payload_key(name, "0" * 32),
        lambda name: keys.release_key("us", name, keys.TRO),
        lambda name: keys.release_key("us", "1.0", name),
    ],
)
def test_in_pointers_references_and_keys(use: Callable[[str], object], name: str) -> None:
    with pytest.raises(PeDvcError):
        use(name)


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("field", ["path", "name", "country"])
def test_in_manifests(field: str, name: str) -> None:
    document = json.loads(manifest_of(b"payload").to_bytes())
    document["artifact"][field] = name
    with pytest.raises(FormatError, match=f"artifact.{field}"):
        Manifest.from_bytes(json.dumps(document).encode())


def test_in_the_suffix_that_the_cache_keeps(tmp_path: Path) -> None:
    from pe_dvc.store.cache import cached_suffix

    cache = Cache(tmp_path)
    for path in ("a./../x", "a.\u0440arquet", "a.b\\c", "a.", "a.\x00"):
        assert cached_suffix(path) == ""
        assert cache.slot(DIGEST, 0, cached_suffix(path)).final.is_relative_to(tmp_path)


@pytest.mark.parametrize("name", CLIMBING)
def test_in_listings_of_directories(tmp_path: Path, name: str) -> None:
    data = json.dumps([{"md5": "0" * 32, "relpath": name}]).encode()
    md5 = f"{hashlib.md5(data).hexdigest()}.dir"
    path = object_path(tmp_path, md5)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(FormatError, match="not a path inside"):
        read_dir_listing(tmp_path, md5)


@pytest.mark.parametrize("key", CLIMBING)
def test_in_keys_of_a_directory_store(tmp_path: Path, key: str) -> None:
    (tmp_path / "x").write_bytes(b"outside")
    store = LocalStore(tmp_path / "store")
    for use in (
        lambda: store.read(key, limit=10),
        lambda: store.create(key, b""),
        lambda: store.overwrite(key, b""),
        lambda: store.download(key, tmp_path / "copy", size=7),
    ):
        with pytest.raises(PeDvcError):
            use()
    assert (tmp_path / "x").read_bytes() == b"outside"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandMadeRepo:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    made = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    made.create("cps_2024")
    made.build("cps_2024", b"data")
    made.update_latest()
    return made


def test_in_hashes_of_dvc_files(repo: HandMadeRepo, tmp_path: Path) -> None:
    """A hash becomes a path in DVC's cache and a key: nothing from elsewhere is sent."""
    (tmp_path / "outside").write_bytes(b"secret")
    repo.ignore("data/raw.csv")
    path = repo.root / "data/raw.csv.dvc"
    path.write_text("outs:\n- md5: ab/../../../../../../../outside\n  hash: md5\n  path: raw.csv\n")
    store = LocalStore(tmp_path / "bucket")
    with pytest.raises(FormatError, match="not a hash of DVC's"):
        repo.push(store)
    assert list(store.list("")) == []


@pytest.mark.parametrize("name", ["../../outside.parquet", "/etc/passwd.parquet"])
def test_in_paths_of_dvc_yaml(repo: HandMadeRepo, tmp_path: Path, name: str) -> None:
    declared = (repo.root / "dvc.yaml").read_text()
    (repo.root / "dvc.yaml").write_text(declared.replace("data/cps_2024.parquet", name))
    store = LocalStore(tmp_path / "bucket")
    with pytest.raises(FormatError, match="not a path inside"):
        repo.push(store)
    assert list(store.list("")) == []
