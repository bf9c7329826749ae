"""What a stranger's data may be like, and every page and link of the site is whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.project import directories
from tests.support.country import NAME, Country, reader_at, revocation_of
from tests.support.described import ONE_TABLE, TWO_TABLES, codebook
from tests.support.factories import manifest_of
from tests.support.site import Page, publish_described

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest

PAGE = f"us/datasets/{NAME}.html"
POINTS = ("data-root", "data-index", "data-versions")
"""Attributes that name a file or a folder, for scripts."""


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Country:
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    made = Country(tmp_path / "country", LocalStore(tmp_path / "bucket"))
    made.trust(directories.config_dir())
    return made


def built(country: Country, **given: Any) -> dict[str, str]:
    """Build a site, hold that no link in it leads nowhere, and return its files."""
    site = pe_dvc.build_site("site", store=country.store.url, **given)
    assert site.problems == site.lacking == {}
    root = site.directory
    files = {p.relative_to(root).as_posix(): p.read_text() for p in root.rglob("*") if p.is_file()}
    pages = {path: Page(text) for path, text in files.items() if path.endswith(".html")}
    for path, page in pages.items():
        for link in [*page.links, *page.pointed(*POINTS)]:
            if link.startswith("https://"):
                continue
            target, fragment = urldefrag(link)
            place = (root / path).parent / unquote(target) if target else root / path
            assert place.exists(), f"{path} links to {link}"
            if fragment:
                there = pages[place.resolve().relative_to(root).as_posix()]
                assert fragment in there.ids, f"{path} links to {link}"
    for path in ("api/v1/index.json", "api/v1/us/index.json", "api/v1/search.json"):
        for named in _paths(json.loads(files[path])):
            assert named in files, f"{path} names {named}"
    return files


def _paths(value: object) -> list[str]:
    """Return the texts of a document that look like files of the site."""
    if isinstance(value, dict):
        return [one for each in value.values() for one in _paths(each)]
    if isinstance(value, list):
        return [one for each in value for one in _paths(each)]
    is_path = isinstance(value, str) and value.endswith((".html", ".json")) and "/" in value
    return [str(value)] if is_path else []


def plain(country: Country, name: str, payload: bytes) -> Manifest:
    """Publish a dataset of which nothing is known but its bytes."""
    manifest = manifest_of(payload, name=name, path=f"data/{name}.bin")
    country.write(manifest_key("us", Sha256(manifest.artifact.sha256)), manifest.to_bytes())
    return manifest


def test_a_channel_without_datasets(country: Country) -> None:
    country.point("latest", [])
    assert "latest" in Page(built(country)["index.html"]).text


def test_a_dataset_of_which_nothing_is_described(country: Country) -> None:
    country.point("latest", [plain(country, NAME, b"opaque")])
    text = Page(built(country)[PAGE]).text
    assert "No figures of the values are shown" in text
    assert sha256_bytes(b"opaque") in text


def test_names_in_folders_of_each_other(country: Country) -> None:
    names = ("states", "states/AL", "states/AL/x", "index", "a-b_c")
    country.point("latest", [plain(country, name, name.encode()) for name in names])
    files = built(country, url="https://data.example.org")
    assert all(f"us/datasets/{name}.html" in files for name in names)


def test_two_names_of_the_same_bytes(country: Country) -> None:
    one = publish_described(country, b"same", ONE_TABLE)
    two = manifest_of(b"same", name="other", path="data/other.bin")
    key = manifest_key("us", Sha256(two.artifact.sha256), "other")
    country.write(key, two.to_bytes())
    country.point("latest", [one, two])
    files = built(country)
    assert "person_weight" in files[PAGE]
    assert "us/datasets/other.html" in files
    for manifest in (one, two):
        folder = f"api/v1/us/versions/{manifest.artifact.name}"
        document = json.loads(files[f"{folder}/{manifest.artifact.sha256}.json"])
        assert document["reference"] == manifest.reference


def test_variables_whose_names_are_alike(country: Country) -> None:
    contents = json.loads(json.dumps(ONE_TABLE))
    names = ["age", "Age", "AGE", "a ge", "a/ge", "..", "index.html", "éa", "x" * 300, "?#%20", "א"]
    like = contents["tables"][0]["columns"][1]
    contents["tables"][0]["columns"] = [like | {"name": name} for name in names]
    contents["entities"], contents["weight"] = {}, None
    contents["tables"][0]["entity"] = None
    country.point("latest", [publish_described(country, b"x", contents)])
    files = built(country)
    pages = [path for path in files if path.startswith("us/variables/")]
    assert len({path.lower() for path in pages}) == len(names)


def test_a_raw_input_that_was_withdrawn(country: Country) -> None:
    manifest = publish_described(country, b"x")
    country.point("latest", [manifest])
    raw = replace(
        revocation_of(manifest),
        name="raw/a file & more.csv",
        sha256=sha256_bytes(b"raw"),
        is_input=True,
    )
    country.signed.revoke(raw)
    country.signed.publish_to(country.store)
    assert not [path for path in built(country) if path.startswith("us/withdrawn/")]


def test_a_gated_country_beside_a_public_one(country: Country) -> None:
    gated = publish_described(
        country, b"gated", TWO_TABLES, known=codebook(access="gated"), name="states/AL"
    )
    country.point("latest", [publish_described(country, b"x"), gated])
    country.point("next", [gated])
    files = built(country, bucket_url="https://data.example.org")
    assert "on application" in Page(files["us/datasets/states/AL.html"]).text
    assert "curl" in files[PAGE]
    assert "curl" not in files["us/datasets/states/AL.html"]
