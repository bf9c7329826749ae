"""``pe-dvc import``: a release on Hugging Face's hub becomes datasets of a data repo, verified."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.dvc.command import run_dvc
from pe_dvc.documents.hub_uri import parse_hub_uri
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    StorePermissionError,
)
from pe_dvc.project.import_hub import import_uri
from pe_dvc.project.repo import DataRepo
from tests.support.hub_server import TOKEN, HubServer
from tests.support.producers import US_FIELDS, US_FILES, US_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sandbox import Sandbox

REPO = "policyengine/populace-us"
DIRECTORY = f"releases/{US_TAG}"
MANIFEST = f"{DIRECTORY}/release_manifest.json"
URI = f"hf://dataset/{REPO}@{US_TAG}/{MANIFEST}"


def published(**changes: Any) -> dict[str, bytes]:
    """Return the files of a release as their producer lays it out; ``changes`` of one artifact."""
    files, artifacts = {}, {}
    for name, data in US_FILES.items():
        fields = US_FIELDS[name]
        path = fields["path"].removeprefix("data/")
        kind = fields.get("kind", "microdata")
        files[f"{DIRECTORY}/{path}" if kind == "diagnostics" else path] = data
        artifacts[name] = {
            "kind": "auxiliary" if kind == "microdata" else kind,
            "path": path,
            "repo_id": REPO,
            "revision": US_TAG,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    artifacts["populace_us_2024"] |= changes
    document = {"schema_version": 1, "artifacts": artifacts}
    return files | {MANIFEST: json.dumps(document).encode()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    import huggingface_hub.constants as constants

    made = HubServer(REPO)
    made.tags[US_TAG] = made.add(published())
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield made
    made.close()


@pytest.fixture
def repo(built: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in built.environment.items():
        monkeypatch.setenv(name, value)
    return built.repo


def data_of(repo: Path) -> set[str]:
    """Return the names of what lies in the folder data, temporary files too."""
    return {path.name for path in (repo / "data").iterdir() if path.name != ".gitignore"}


def test_a_release_becomes_datasets_that_the_next_build_describes(
    hub: HubServer, repo: Path, built: Sandbox
) -> None:
    built.environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    wanted = ["build_manifest", "calibration_diagnostics", "us_source_coverage"]
    only = [word for name in wanted for word in ("--only", name)]
    said = built.pe_dvc("import", URI, *only).stderr
    built.follow(said, "… imported. Next:")
    done = built.json("import", URI, *only)
    assert [one["name"] for one in done] == wanted
    assert {one["verified"] for one in done} == {"manifest"}
    for name in wanted:
        assert (repo / US_FIELDS[name]["path"]).read_bytes() == US_FILES[name]
    commit = hub.tags[US_TAG]
    source = f"hf://dataset/{REPO}@{commit}/{DIRECTORY}/us_source_coverage.json"
    (coverage,) = [one for one in done if one["name"] == "us_source_coverage"]
    assert coverage["source"] == source
    assert "us_source_coverage               downloaded, verified against manifest" in said
    manifest = json.loads((repo / "manifests/us_source_coverage.json").read_bytes())
    assert manifest["artifact"]["kind"] == "diagnostics"
    assert manifest["artifact"]["sha256"] == coverage["sha256"]
    assert {one["downloaded"] for one in done} == {False}, "the second time"


def test_bytes_that_the_manifest_does_not_name_leave_nothing(hub: HubServer, repo: Path) -> None:
    before = data_of(repo)
    hub.altered["populace_us_2024.h5"] = b"the naTion"
    with pytest.raises(DigestMismatchError, match=r"populace_us_2024 \(populace_us_2024\.h5\)"):
        import_uri(DataRepo(repo), URI, names=["populace_us_2024"])
    assert data_of(repo) == before
    assert "populace_us_2024" not in (repo / "dvc.yaml").read_text()


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"sha256": "0" * 64}, DigestMismatchError, "expected sha256:0000"),
        ({"size_bytes": 3}, DigestMismatchError, "3 are named"),
        ({"sha256": None}, FormatError, "has no sha256"),
        ({"sha256": "xyz"}, FormatError, "sha256"),
        ({"path": "../../.bashrc"}, FormatError, "is not a path inside a directory"),
        ({"path": ".git/hooks/x"}, NotFoundError, "has no .git/hooks/x"),
        ({"path": "nothing.h5"}, NotFoundError, "has no nothing.h5 at"),
        ({"revision": "gone-2024"}, NotFoundError, "has no revision 'gone-2024'"),
        ({"size_bytes": -1}, FormatError, "is not a size"),
        ({"repo_type": "space"}, FormatError, "is not dataset or model"),
        ({"path": "calibration_diagnostics.json"}, FormatError, "two artifacts of one path"),
    ],
)
def test_manifests_of_others_are_checked_before_anything_is_downloaded(
    hub: HubServer, repo: Path, changes: dict[str, Any], error: type[PeDvcError], said: str
) -> None:
    before = data_of(repo)
    hub.tags[US_TAG] = hub.add(published(**changes))
    with pytest.raises(error, match=said):
        import_uri(DataRepo(repo), URI)
    assert data_of(repo) == before
    assert not [one for one in hub.requests if "/cdn/" in one.path]


BUILD = f"{DIRECTORY}/build_manifest.json"
OTHER = {"code": {}, "dataset": {"filename": "populace_us_2024.h5", "sha256": "0" * 64}}


@pytest.mark.parametrize(
    ("statement", "listed", "error"),
    [
        (json.dumps(OTHER), True, "names other bytes than the release manifest: ask who published"),
        ('{"build": 2}', False, "The release manifest names another file"),
    ],
    ids=["states other bytes of a file", "is another than the manifest names"],
)
def test_a_statement_that_contradicts_the_manifest_is_refused(
    hub: HubServer, repo: Path, statement: str, listed: bool, error: str
) -> None:
    before = data_of(repo)
    files = published() | {BUILD: statement.encode()}
    if listed:
        document = json.loads(files[MANIFEST])
        sha256 = hashlib.sha256(statement.encode()).hexdigest()
        document["artifacts"]["build_manifest"]["sha256"] = sha256
        files[MANIFEST] = json.dumps(document).encode()
    hub.tags[US_TAG] = hub.add(files)
    with pytest.raises(DigestMismatchError, match=error):
        import_uri(DataRepo(repo), URI)
    assert data_of(repo) == before
    assert not (repo / "provenance").exists()
    assert not [one for one in hub.requests if "/cdn/" in one.path]


def test_a_statement_that_cannot_be_read_is_said_and_left(
    hub: HubServer, repo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (done,) = import_uri(DataRepo(repo), URI, names=["us_source_coverage"])
    assert done.provenance is None
    assert "not taken as a statement of provenance" in caplog.text
    assert not (repo / "provenance").exists()


def test_dvc_add_runs_once_for_all_files(
    hub: HubServer, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pe_dvc.project import import_hub

    calls: list[tuple[str, ...]] = []

    def counted(root: Path, *arguments: str) -> None:
        calls.append(arguments)
        run_dvc(root, *arguments)

    monkeypatch.setattr(import_hub, "run_dvc", counted)
    import_uri(DataRepo(repo), URI, names=["calibration_diagnostics", "us_source_coverage"])
    assert [words[0] for words in calls] == ["add"]


def test_what_came_before_a_failure_is_tracked(hub: HubServer, repo: Path) -> None:
    hub.altered["populace_us_2024.h5"] = b"the naTion"
    wanted = ["calibration_diagnostics", "populace_us_2024"]
    with pytest.raises(DigestMismatchError):
        import_uri(DataRepo(repo), URI, names=wanted)
    assert (repo / "data/calibration_diagnostics.json.dvc").is_file()
    assert not (repo / "data/populace_us_2024.h5").exists()


def test_a_tag_is_resolved_once(hub: HubServer, repo: Path) -> None:
    """One that is moved meanwhile does not give files of two releases."""
    import_uri(DataRepo(repo), URI, names=["calibration_diagnostics"])
    resolved = [one for one in hub.requests if one.path.endswith(f"/revision/{US_TAG}")]
    assert len(resolved) == 1
    assert not [one for one in hub.requests if f"/resolve/{US_TAG}/" in one.path]


def test_another_file_in_the_place_is_not_replaced(hub: HubServer, repo: Path) -> None:
    (repo / "data/calibration_diagnostics.json").write_text("mine")
    with pytest.raises(ConflictError, match="is there already"):
        import_uri(DataRepo(repo), URI)
    assert (repo / "data/calibration_diagnostics.json").read_text() == "mine"


def test_an_artifact_of_a_release_is_called_as_people_want(hub: HubServer, repo: Path) -> None:
    names = ["us_source_coverage"]
    (found,) = import_uri(DataRepo(repo), URI, names=names, name="coverage")
    assert (found.name, found.verified) == ("coverage", "manifest")
    with pytest.raises(FormatError, match="is for one artifact") as caught:
        import_uri(DataRepo(repo), URI, name="coverage")
    assert "--only" in str(caught.value.remedy)


def test_a_single_file_is_held_to_what_the_hub_says_of_it(hub: HubServer, repo: Path) -> None:
    table = (repo / "data/cps_2024.parquet").read_bytes()
    hub.tags[US_TAG] = hub.add({"acs_2024.parquet": table}, hub.tags[US_TAG])
    uri = f"hf://datasets/{REPO}@{US_TAG}/acs_2024.parquet"
    (found,) = import_uri(DataRepo(repo), uri, name="acs")
    assert (found.name, found.verified) == ("acs", "hub")
    hub.altered["populace_us_2024.h5"] = b"the naTion"
    with pytest.raises(DigestMismatchError):
        import_uri(DataRepo(repo), f"hf://{REPO}/populace_us_2024.h5@{US_TAG}")


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ({"private": True}, StorePermissionError, "401"),
        ({"gated": True}, StorePermissionError, "gated"),
    ],
)
def test_closed_repos_say_what_to_do(
    hub: HubServer,
    repo: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: dict[str, bool],
    error: type[PeDvcError],
    said: str,
) -> None:
    for name, value in state.items():
        setattr(hub, name, value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(error, match=said) as caught:
        import_uri(DataRepo(repo), URI)
    assert "HF_TOKEN" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf://dataset/o/r@rev/a/b.h5", ("dataset", "o/r", "rev", "a/b.h5")),
        ("hf://o/r/a/b.h5@rev", (None, "o/r", "rev", "a/b.h5")),
        ("hf://datasets/o/r/a/b.h5@rev", ("dataset", "o/r", "rev", "a/b.h5")),
        ("hf://datasets/o/r@rev/a/b.h5", ("dataset", "o/r", "rev", "a/b.h5")),
        ("hf://model/o/r@rev/a.h5", ("model", "o/r", "rev", "a.h5")),
        ("hf://datasets/o/r@refs%2Fpr%2F1/a.h5", ("dataset", "o/r", "refs/pr/1", "a.h5")),
        ("hf://dataset/o/r", ("dataset", "o/r", None, None)),
    ],
)
def test_the_four_forms_of_uris(text: str, expected: tuple[str | None, ...]) -> None:
    found = parse_hub_uri(text)
    assert (found.repo_type, found.repo_id, found.revision, found.path) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("hf://dataset/o@rev/a.h5", "hf://o", "https://huggingface.co/o/r", "hf://datasets/o"),
        *("hf://datasets/o/r@rev/../a", "hf://datasets/o/r@a/b@c", "hf://datasets/o/r/a b@"),
        *("hf://token@datasets/o/r/a.h5", "hf://datasets/o/r@-x/a.h5"),
    ],
)
def test_what_is_no_uri_of_a_hub(text: str) -> None:
    with pytest.raises(FormatError):
        parse_hub_uri(text)
