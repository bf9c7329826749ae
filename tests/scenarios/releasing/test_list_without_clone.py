"""``pe-dvc ls us --releases``: what was released, for a reader without a clone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.documents.keys import RELEASE_MANIFEST, release_key
from pe_dvc.project.release import Releases
from tests.support.commands import run_pe_dvc
from tests.support.environment import own_directories
from tests.support.release_history import DATASETS, History
from tests.support.site import Page

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """A reader of a country with the releases 1.9.0 and 1.10.0, who has no clone."""
    history = History(tmp_path / "maintainer")
    for variable, place in own_directories(history.base).items():
        monkeypatch.setenv(variable, place)
    monkeypatch.setenv("PE_DVC_STORE", str(history.bucket))
    for tag in ("1.9.0", "1.10.0"):
        history.release(tag, {**DATASETS, "cps_2024": tag.encode()})
        history.publish_channels()
        releasing = Releases(history.root)
        releasing.create(tag)
        history.commit(f"Release {tag}")
        releasing.push(tag)
    run_pe_dvc("trust", "add", "us", str(history.root / "channels/us/root.json"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return history


def test_releases_by_version_with_state_date_and_datasets(reader: History) -> None:
    done = run_pe_dvc("ls", "us", "--releases")
    first, second = (line.split("  ") for line in done.stdout.splitlines())
    assert (first[0], second[0]) == ("1.9.0", "1.10.0")
    assert {"staged", "2026-04-20", ", ".join(sorted(DATASETS))} <= {part.strip() for part in first}
    (one, _) = json.loads(run_pe_dvc("ls", "us", "--releases", "--json").stdout)
    assert one["tag"] == "1.9.0"
    assert one["datasets"] == sorted(DATASETS)
    assert one["problem"] is None


def test_an_altered_release_manifest_is_named(reader: History) -> None:
    (reader.bucket / release_key("us", "1.9.0", RELEASE_MANIFEST)).chmod(0o644)
    (reader.bucket / release_key("us", "1.9.0", RELEASE_MANIFEST)).write_bytes(b"{}")
    first, second = pe_dvc.releases("us")
    assert "is not what was promised" in (first.problem or "")
    assert second.datasets == tuple(sorted(DATASETS))


def test_a_dataset_in_a_deprecated_release_is_marked(reader: History) -> None:
    releasing = Releases(reader.root)
    releasing.deprecate("1.10.0", "Weights are wrong")
    reader.commit("Deprecate 1.10.0")
    releasing.push("1.10.0")
    said = "release 1.10.0 of it is deprecated: Weights are wrong"
    marked = {entry.name for entry in pe_dvc.ls("us") if said in entry.remarks}
    assert marked == set(DATASETS)
    assert said in run_pe_dvc("ls", "us").stdout

    # The reason is signed with the release: its manifest may be gone, and all is still listed.
    (reader.bucket / release_key("us", "1.10.0", RELEASE_MANIFEST)).unlink()
    (other := reader.base / "other-cache").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PE_DVC_CACHE_DIR", str(other))
        assert {entry.name for entry in pe_dvc.ls("us")} == set(DATASETS)


def test_a_site_has_a_page_of_each_release(reader: History) -> None:
    releasing = Releases(reader.root)
    releasing.deprecate("1.10.0", "Weights <b>are</b> wrong")
    reader.commit("Deprecate 1.10.0")
    releasing.push("1.10.0")
    (reader.bucket / release_key("us", "1.9.0", RELEASE_MANIFEST)).chmod(0o644)
    (reader.bucket / release_key("us", "1.9.0", RELEASE_MANIFEST)).write_bytes(b"{}")
    built = pe_dvc.build_site("site", "us", bucket_url="https://data.example.org")
    page = Page((built.directory / "us/release/1.10.0.html").read_text())
    for said in ("deprecated: Weights <b>are</b> wrong", *DATASETS, "10.5281/zenodo.1"):
        assert said in page.text
    assert "https://data.example.org/us/releases/1.10.0/trace.tro.jsonld" in page.links
    altered = (built.directory / "us/release/1.9.0.html").read_text()
    assert "could not be read" in altered
    assert list(built.problems) == ["release 1.9.0 of us"]
    home = (built.directory / "index.html").read_text()
    assert home.index("1.10.0.html") < home.index("1.9.0.html")
