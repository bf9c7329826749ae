"""``pe-dvc manifest write`` and sidecars: a new manifest gets them, another keeps its own."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.codebook import Codebook, LabelSource
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project import manifest_sidecars
from pe_dvc.project.manifest import write_manifests
from tests.support.commands import run
from tests.support.dvc_repos import cps_repo
from tests.support.environment import own_home

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.sidecar_subject import Subject

REBUILD = """
import pyarrow.parquet as again

again.write_table(again.read_table(sys.argv[1]).slice(1), sys.argv[1])
"""
FILE, MANIFEST = "manifests/cps.facts.json", "manifests/cps.json"


class Maker:
    """Makes a sidecar that says how many bytes the artifact has; ``version`` is the code's."""

    def __init__(self) -> None:
        self.version, self.calls = 1, 0

    def __call__(self, manifest: Manifest, subject: Subject) -> bytes:
        self.calls += 1
        return f'{{"size": {manifest.artifact.size}, "version": {self.version}}}\n'.encode()


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo whose dataset is built, and its manifest committed with a sidecar."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_home(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        patch.setattr(manifest_sidecars, "MAKERS", {"facts": Maker()})
        root = cps_repo(tmp_path_factory.mktemp("built") / "repo")
        run("dvc", "repro", "build", cwd=root)
        write_manifests(root)
        run("git", "add", "-A", cwd=root)
        run("git", "commit", "-qm", "data", cwd=root)
    return root


@pytest.fixture
def repo(committed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(committed, tmp_path / "repo", symlinks=True)


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    made = Maker()
    monkeypatch.setattr(manifest_sidecars, "MAKERS", {"facts": made})
    return made


def manifest_of(repo: Path) -> Manifest:
    return Manifest.from_bytes((repo / MANIFEST).read_bytes())


def test_a_sidecar_lies_beside_its_manifest_which_names_it(repo: Path) -> None:
    manifest, data = manifest_of(repo), (repo / FILE).read_bytes()
    assert data == f'{{"size": {manifest.artifact.size}, "version": 1}}\n'.encode()
    assert manifest.sidecars["facts"].size == len(data)


def test_the_same_bytes_keep_it_whatever_the_code_would_make_now(repo: Path, maker: Maker) -> None:
    before, maker.version = (repo / MANIFEST).read_bytes(), 2
    (written,) = write_manifests(repo)
    assert (written.change, maker.calls) == ("unchanged", 0)
    assert (repo / MANIFEST).read_bytes() == before
    assert b'"version": 1' in (repo / FILE).read_bytes()


@pytest.mark.parametrize("damage", ["removed", "edited"])
def test_one_that_is_lost_comes_back_from_git(repo: Path, maker: Maker, damage: str) -> None:
    good, maker.version = (repo / FILE).read_bytes(), 2
    (repo / FILE).unlink()
    if damage == "edited":
        (repo / FILE).write_bytes(b"{}")
    write_manifests(repo)
    assert (repo / FILE).read_bytes() == good


def test_one_that_git_does_not_have_is_made_again_or_asked_for(repo: Path, maker: Maker) -> None:
    run("git", "rm", "-q", "--cached", FILE, cwd=repo)
    run("git", "commit", "-q", "--amend", "-m", "without it", cwd=repo)
    good = (repo / FILE).read_bytes()
    (repo / FILE).unlink()
    write_manifests(repo)
    assert (repo / FILE).read_bytes() == good
    (repo / FILE).unlink()
    maker.version = 2
    with pytest.raises(NotFoundError, match=r"cps\.facts\.json is not the facts"):
        write_manifests(repo)


def test_a_manifest_without_any_stays_as_it_was_published(repo: Path, maker: Maker) -> None:
    plain = manifest_of(repo).model_copy(update={"sidecars": {}}).to_bytes()
    (repo / MANIFEST).write_bytes(plain)
    (written,) = write_manifests(repo)
    assert (written.change, (repo / MANIFEST).read_bytes()) == ("unchanged", plain)
    assert not (repo / FILE).exists(), "no manifest names it"


def test_other_bytes_get_another_and_going_back_restores_both(repo: Path, maker: Maker) -> None:
    before = {path: (repo / path).read_bytes() for path in (FILE, MANIFEST)}
    text = (repo / "build.py").read_text()
    (repo / "build.py").write_text(text + REBUILD)
    run("dvc", "repro", "build", cwd=repo)
    maker.version = 2
    write_manifests(repo)
    assert (maker.calls, b'"version": 2' in (repo / FILE).read_bytes()) == (1, True)
    run("git", "commit", "-qam", "other data", cwd=repo)
    (repo / "build.py").write_text(text)
    run("dvc", "repro", "build", cwd=repo)
    write_manifests(repo)
    assert {path: (repo / path).read_bytes() for path in (FILE, MANIFEST)} == before


def test_it_goes_with_its_dataset(repo: Path, maker: Maker) -> None:
    text = (repo / "dvc.yaml").read_text()
    (repo / "dvc.yaml").write_text(text.partition("artifacts:")[0])
    write_manifests(repo)
    assert not (repo / FILE).exists()


def test_dvc_shows_what_moved_between_commits(committed: Path, tmp_path: Path) -> None:
    root = shutil.copytree(committed, tmp_path / "repo", symlinks=True)
    text = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text("metrics: [manifests/weighted.metrics.json]\n" + text)
    (root / MANIFEST).unlink()
    write_manifests(root)
    run("git", "add", "-A", cwd=root)
    run("git", "commit", "-qm", "metrics", cwd=root)
    (root / "build.py").write_text((root / "build.py").read_text() + REBUILD)
    run("dvc", "repro", "build", cwd=root)
    write_manifests(root)
    moved = json.loads(run("dvc", "metrics", "diff", "--json", cwd=root).stdout)
    changed = moved["manifests/weighted.metrics.json"]
    rows = next(one for key, one in changed.items() if key.endswith("rows"))
    assert (rows["old"], rows["new"], rows["diff"]) == (6, 5, -1)
    assert {path.name for path in (root / "manifests").iterdir()} == {
        "cps.json",
        "cps.profile.json",
        "weighted.metrics.json",
    }


def test_a_codebook_of_another_version_of_the_model_is_told(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(version: str) -> tuple[str, ...]:
        sources = (LabelSource(name="policyengine-us", version=version),)
        made = Codebook(sources=sources).to_bytes()
        monkeypatch.setattr(manifest_sidecars, "MAKERS", {"codebook": lambda *_: made})
        (repo / MANIFEST).unlink()
        (written,) = write_manifests(repo)
        return written.notes

    assert [build("1.690.0"), build("1.690.0")] == [(), ()]
    assert build("1.700.0") == (
        "cps: the codebook has labels of policyengine-us 1.700.0, before of policyengine-us "
        "1.690.0",
    )


def test_metrics_go_with_the_last_profile(committed: Path, tmp_path: Path) -> None:
    root = shutil.copytree(committed, tmp_path / "repo", symlinks=True)
    (root / MANIFEST).unlink()
    write_manifests(root)
    metrics = root / "manifests/weighted.metrics.json"
    assert metrics.exists()
    (root / "dvc.yaml").write_text((root / "dvc.yaml").read_text().partition("artifacts:")[0])
    write_manifests(root)
    assert not metrics.exists()
