"""``pe-dvc init --from-hf``: from nothing to an index of a hub's releases, and a verified read."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from tests.support.commands import GIT_STATUS, run
from tests.support.environment import own_home
from tests.support.hub_data import HUB_REPO, MANIFEST, TAG, URI, files, hub_environment, release
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Done
    from tests.support.hub_server import HubServer

LATEST = f"hf://dataset/{HUB_REPO}/latest.json"
BUILD = MANIFEST.replace("release_manifest", "build_manifest")
LARGE, SMALL = "populace_us_2024", "populace_us_2023"


def point(hub: HubServer, tag: str) -> None:
    """Let the repo's pointer name the release of a tag, which lies where the first one does."""
    pointer = {"schema_version": 1, "release_id": TAG, "cut_tag": tag, "paths": {}}
    hub.push("main", {"latest.json": json.dumps(pointer).encode()})


class Index:
    """An empty directory, and the person who makes an index of it."""

    def __init__(self, place: Path, hub: HubServer) -> None:
        self.root, self.store, home = place / "us-data-index", place / "bucket", place / "home"
        self.root.mkdir()
        home.mkdir()
        self.environment = {**os.environ, **own_home(home), **hub_environment(hub)}

    def run(self, *command: str, code: int = 0, cwd: Path | None = None) -> Done:
        return run(*command, cwd=cwd or self.root, code=code, environment=self.environment)

    def init(self, uri: str = LATEST, *options: str, code: int = 0) -> Done:
        given = ("--country", "us", "--store", str(self.store), "--from-hf", uri)
        return self.run("pe-dvc", "init", *given, *options, code=code)

    def publish(self) -> None:
        self.run("dvc", "repro", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "Take over a release")
        self.run("pe-dvc", "push")

    def stated(self, name: str) -> Any:
        return json.loads((self.root / f"manifests/{name}.json").read_bytes())

    def read(self, name: str) -> bytes:
        self.environment["PE_DVC_STORE"] = str(self.store)
        place = self.root.parent / "reader"
        place.mkdir(exist_ok=True)
        root = str(self.root / "channels/us/root.json")
        self.run("pe-dvc", "trust", "add", "us", root, cwd=place)
        self.run("pe-dvc", "get", f"us/{name}@latest", "-o", "got", cwd=place)
        return (place / "got").read_bytes()


@pytest.fixture
def index(tmp_path: Path, hub: HubServer) -> Index:
    point(hub, TAG)
    return Index(tmp_path, hub)


def test_nothing_becomes_an_index_that_readers_read(index: Index, hub: HubServer) -> None:
    said = index.init().stderr
    assert f"{LARGE:<32} downloaded, verified against manifest: data/{LARGE}.parquet" in said
    assert "pe-dvc add" not in said
    index.publish()
    assert index.run(*GIT_STATUS).stdout == ""
    assert index.read(LARGE) == files()[f"{LARGE}.parquet"]
    manifest = json.loads((index.root / f"manifests/{LARGE}.json").read_bytes())
    commit = hub.tags[TAG]
    location = f"hf://dataset/{HUB_REPO}@{commit}/{LARGE}.parquet"
    assert manifest["artifact"]["location"] == location


def test_run_again_it_changes_nothing(index: Index) -> None:
    index.init()
    index.publish()
    said = index.init().stderr
    assert f"{LARGE:<32} was there" in said
    assert index.run(*GIT_STATUS).stdout == ""
    other = index.run("pe-dvc", "init", "--country", "uk", "--from-hf", LATEST, code=1).stderr
    assert "--country says 'uk'" in other


@pytest.mark.parametrize(
    ("uri", "code", "said"),
    [
        ("hf://dataset/nobody/nothing/latest.json", 3, "no such repo"),
        (f"hf://dataset/{HUB_REPO}@gone/{MANIFEST}", 3, "no revision"),
        (f"hf://dataset/{HUB_REPO}", 1, "names no file"),
        ("https://huggingface.co/x", 1, "not a URI of the hub"),
    ],
)
def test_what_the_hub_lacks_is_said_before_anything_is_made(
    index: Index, uri: str, code: int, said: str
) -> None:
    assert said in index.init(uri, code=code).stderr
    assert list(index.root.iterdir()) == []


def test_a_failure_takes_the_git_repo_away_again(index: Index) -> None:
    index.run("pe-dvc", "init", "--country", "US", "--from-hf", LATEST, code=1)
    assert list(index.root.iterdir()) == []


def test_an_import_that_failed_is_gone_on_with(index: Index, hub: HubServer) -> None:
    hub.altered[f"{LARGE}.parquet"] = b"x" * len(files()[f"{LARGE}.parquet"])
    index.init(code=1)
    assert not (index.root / f"data/{LARGE}.parquet").exists()
    hub.altered.clear()
    index.init()
    index.publish()
    assert index.read(LARGE) == files()[f"{LARGE}.parquet"]


def test_the_workflow_follows_the_pointer_of_the_repo(index: Index) -> None:
    index.store = "s3://bucket"  # type: ignore[assignment]
    index.init(URI, "--no-channels")
    text = (index.root / ".github/workflows/import.yml").read_bytes()
    assert read_yaml(text, "import.yml")["env"]["RELEASE"] == LATEST
    assert "OWNER" not in text.decode()


def test_the_job_that_publishes_pulls_what_lies_on_the_hub_alone(index: Index) -> None:
    index.store = "s3://bucket"  # type: ignore[assignment]
    index.init(URI, "--no-channels")
    text = (index.root / ".github/workflows/publish.yml").read_bytes()
    job = read_yaml(text, "publish.yml")["jobs"]["publish"]
    pulls = [step["run"] for step in job["steps"] if "pull" in step.get("run", "")]
    assert pulls == ["pe-dvc pull"]
    assert job["env"] == {"HF_TOKEN": "${{ secrets.HF_TOKEN }}"}


def test_provenance_is_what_the_release_states(index: Index, hub: HubServer) -> None:
    hub.tags[TAG] = hub.add({BUILD: build_manifest("first")}, hub.tags[TAG])
    index.init()
    index.publish()
    assert index.stated(LARGE)["build"]["build_id"] == "first"
    manifest = index.stated(LARGE)
    assert manifest["build"]["git_commit"] == "5" * 40
    assert manifest["inputs"]["model_package"]["version"] == "2.68.0"
    assert manifest["inputs"]["python_version"] == "3.13.7", "and not that of this machine"
    (unknown,) = manifest["inputs"]["unknown"]
    assert "model_package" not in unknown["fields"]
    assert "core_package" in unknown["fields"]
    (unknown, not_named) = index.stated(SMALL)["inputs"]["unknown"]
    assert not_named["fields"] == ["build.statement"], "the release has it, by no name of its own"
    assert index.run(*GIT_STATUS).stdout == ""
    index.run("pe-dvc", "verify")


def test_the_next_import_brings_the_next_statement(index: Index, hub: HubServer) -> None:
    one, other = files()[f"{LARGE}.parquet"], files()[f"{SMALL}.parquet"]
    hub.tags[TAG] = hub.add({BUILD: build_manifest("first")}, hub.tags[TAG])
    index.init()
    index.publish()
    fresh = release({f"{LARGE}.parquet": other, f"{SMALL}.parquet": other})
    hub.tags["next"] = hub.add(fresh | {BUILD: build_manifest("second", other)}, hub.tags[TAG])
    index.run("pe-dvc", "import", URI.replace(f"@{TAG}", "@next"))
    index.publish()
    assert index.stated(LARGE)["build"]["build_id"] == "second"
    assert index.stated(SMALL)["build"]["build_id"] == "first", "it is the same, and published"
    statements = index.root / "provenance"
    assert len(list(statements.iterdir())) == 2
    (index.root / f"data/{SMALL}.parquet").unlink()
    (index.root / f"data/{SMALL}.parquet").write_bytes(one)
    index.run("dvc", "repro", "--quiet")
    assert index.stated(SMALL)["build"] == {}, "no statement is about what somebody put there"
    index.run("pe-dvc", "import", URI.replace(f"@{TAG}", "@next"), "--only", SMALL)
    assert statement_of(index, SMALL) in {f"provenance/{one.name}" for one in statements.iterdir()}
    hub.tags["last"] = hub.add(release(files()), hub.tags[TAG])
    hub.commits[hub.tags["last"]].pop(BUILD)
    index.run("pe-dvc", "import", URI.replace(f"@{TAG}", "@last"), "--only", LARGE)
    assert statement_of(index, LARGE) is None, "this release states nothing"


def statement_of(index: Index, name: str) -> str | None:
    """Return what the ``.dvc`` file of a dataset names as its statement."""
    found: dict[str, Any] = read_yaml((index.root / f"data/{name}.parquet.dvc").read_bytes(), name)
    return found["meta"]["pe"].get("provenance")  # type: ignore[no-any-return]


def build_manifest(build_id: str, data: bytes | None = None) -> bytes:
    """Return what a producer states of the large file."""
    name = f"{LARGE}.parquet"
    document = {
        "build_id": build_id,
        "created_at": "2026-07-28T01:14:54Z",
        "code": {"git_commit": "5" * 40, "git_dirty": False},
        "runtime": {"python": "3.13.7", "policyengine_us": "2.68.0"},
        "base_pool": {"sha256": "a" * 64},
        "dataset": {
            "filename": name,
            "sha256": hashlib.sha256(data or files()[name]).hexdigest(),
        },
    }
    return json.dumps(document).encode()


def steps() -> list[dict[str, Any]]:
    text = (ROOT / "templates/github-workflows/import.yml").read_bytes()
    found: list[dict[str, Any]] = read_yaml(text, "import.yml")["jobs"]["import"]["steps"]
    return found[-2:]


def test_the_workflow_takes_the_next_release_and_only_that(index: Index, hub: HubServer) -> None:
    """The two last steps of it, in a fresh clone, with the keys that CI would have in a KMS."""
    index.init()
    index.publish()
    upstream = index.root.parent / "upstream.git"
    index.run("git", "clone", "--quiet", "--bare", ".", str(upstream))
    first = upstream_commit(index, upstream)
    assert job(index, upstream) == "0"
    assert upstream_commit(index, upstream) == first
    asked = len([one for one in hub.requests if "/cdn/" in one.path])
    small = files()[f"{SMALL}.parquet"]
    fresh = {f"{LARGE}.parquet": small, f"{SMALL}.parquet": small}
    hub.tags["next"] = hub.add(release(fresh), hub.tags[TAG])
    point(hub, "next")
    assert job(index, upstream) == "1"
    assert upstream_commit(index, upstream) != first
    assert index.read(LARGE) == fresh[f"{LARGE}.parquet"]
    brought = len([one for one in hub.requests if "/cdn/" in one.path and one.method == "GET"])
    assert brought - asked <= 2, "what is the same is not downloaded again"
    assert job(index, upstream) == "0"


def upstream_commit(index: Index, upstream: Path) -> str:
    return index.run("git", "-C", str(upstream), "rev-parse", "HEAD").stdout


def job(index: Index, upstream: Path) -> str:
    """Run the last steps of the workflow in a clone of their own; return what the first says."""
    clone = index.root.parent / f"job-{len(list(index.root.parent.iterdir()))}"
    index.run("git", "clone", "--quiet", str(upstream), str(clone), cwd=index.root.parent)
    ask, take = steps()
    output = clone.parent / f"{clone.name}.output"
    index.environment |= {"GITHUB_OUTPUT": str(output), "URI": LATEST}
    index.run("bash", "-euo", "pipefail", "-c", ask["run"], cwd=clone)
    new = output.read_text().strip().removeprefix("new=")
    if new == "1":
        script = take["run"].replace("${{ vars.CI_EMAIL }}", "ci@example.org")
        index.run("bash", "-euo", "pipefail", "-c", script, cwd=clone)
    return new
