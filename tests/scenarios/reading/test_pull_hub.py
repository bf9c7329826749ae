"""``pe-dvc pull`` reads a release on a hub that the clone declares as a mirror of its bucket."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.hub_data import hub_environment
from tests.support.hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sandbox import Sandbox

TAG = "1.78.2"
LISTING = f"releases/{TAG}/release_manifest.json"
REPO = "policyengine/policyengine-us-data"
NAMES = ["cps_2024", "enhanced_cps_2024"]


@pytest.fixture
def pushed(built: Sandbox) -> Sandbox:
    """A published repo whose bucket is a directory."""
    built.pe_dvc("push")
    return built


@pytest.fixture
def hub(pushed: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that has the repo's datasets in a release."""
    made = HubServer(REPO, repo_type="dataset")
    pushed.environment |= hub_environment(made)
    files = {
        f"{name}.parquet": (pushed.repo / f"data/{name}.parquet").read_bytes() for name in NAMES
    }
    put(made, files, files)
    yield made
    made.close()


def put(hub: HubServer, promised: dict[str, bytes], files: dict[str, bytes]) -> None:
    """Make a release that promises files, and has others."""
    artifacts = {
        path.partition(".")[0]: {
            "kind": "microdata",
            "path": path,
            "repo_id": REPO,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for path, data in promised.items()
    }
    listing = json.dumps({"schema_version": 1, "artifacts": artifacts}).encode()
    hub.tags[TAG] = hub.add({**files, LISTING: listing})


@pytest.fixture
def clone(pushed: Sandbox, hub: HubServer) -> Path:
    """A clone that declares the hub as a mirror, and has none of the data."""
    made = pushed.directory / "clone"
    pushed.run("git", "clone", "--quiet", str(pushed.repo), str(made), cwd=pushed.directory)
    pushed.configure_remote(made)
    pushed.pe_dvc("mirror", "add", "hub", f"hf://dataset/{REPO}@{TAG}/{LISTING}", cwd=made)
    return made


def payloads(sandbox: Sandbox) -> list[Path]:
    folder = sandbox.directory / "bucket/us/files/md5"
    return [path for path in folder.rglob("*") if path.is_file()]


def pulled(sandbox: Sandbox, clone: Path) -> None:
    for name in NAMES:
        path = f"data/{name}.parquet"
        assert (clone / path).read_bytes() == (sandbox.repo / path).read_bytes()


def test_what_the_bucket_lacks(pushed: Sandbox, clone: Path, hub: HubServer) -> None:
    for path in payloads(pushed):
        path.unlink()
    pushed.pe_dvc("pull", cwd=clone)
    pulled(pushed, clone)
    assert hub.requests


def test_what_the_bucket_shows_altered(pushed: Sandbox, clone: Path, hub: HubServer) -> None:
    for path in payloads(pushed):
        path.chmod(0o644)
        path.write_bytes(bytes(path.stat().st_size))
    said = pushed.pe_dvc("pull", cwd=clone).stderr
    pulled(pushed, clone)
    assert said.count("is passed over") == 1, said


def test_nothing_is_asked_of_it_while_the_bucket_serves(
    pushed: Sandbox, clone: Path, hub: HubServer
) -> None:
    hub.requests.clear()
    pushed.pe_dvc("pull", cwd=clone)
    pulled(pushed, clone)
    assert not hub.requests


def test_a_hub_with_other_bytes_brings_none(pushed: Sandbox, clone: Path, hub: HubServer) -> None:
    right = {f"{n}.parquet": (pushed.repo / f"data/{n}.parquet").read_bytes() for n in NAMES}
    put(hub, right, {path: bytes(len(data)) for path, data in right.items()})
    for path in payloads(pushed):
        path.unlink()
    refused = pushed.pe_dvc("pull", cwd=clone, code=1)
    assert "hf://dataset" in refused.stderr
    assert not (clone / "data/cps_2024.parquet").exists()


def test_the_store_that_is_named_is_the_only_one(
    pushed: Sandbox, clone: Path, hub: HubServer
) -> None:
    """As of readers: who names a store wants that one."""
    for path in payloads(pushed):
        path.unlink()
    hub.requests.clear()
    pushed.pe_dvc("pull", "--store", str(pushed.directory / "bucket"), cwd=clone, code=3)
    assert not hub.requests
