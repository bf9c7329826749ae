"""A codebook, from what a model and a data repo say to what a reader without a clone is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.advice import follow
from tests.support.model_package import install_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

MANIFEST = "manifests/enhanced_cps_2024.json"
CODEBOOK = "manifests/enhanced_cps_2024.codebook.json"
REFERENCE = "us/enhanced_cps_2024@latest"
DECLARED = """
entities:
  household: {label: Household, plural: households}
columns:
  age_head:
    label: Age of the head
    unit: year
"""
HOOK = """return {"variables": {
        "household_weight": {"label": "Weight of the household", "entity": "household"},
        "age_head": {"label": "age", "period": "year"},
        "not_in_the_data": {"label": "x"}}}"""


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """A built repo whose datasets are about to be described anew."""
    for path in sandbox.repo.glob("manifests/*.json"):
        path.unlink()
    return sandbox


def with_model(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install_model(site, monkeypatch, hook)
    sandbox.environment["PYTHONPATH"] = str(site)
    settings = (sandbox.repo / "pyproject.toml").read_text()
    sandbox.write("pyproject.toml", f'{settings}model_package = "amodel"\n')


def codebook(sandbox: Sandbox) -> Any:
    return json.loads((sandbox.repo / CODEBOOK).read_text())


def test_model_and_repo_are_joined_published_and_shown_without_a_clone(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(sandbox, tmp_path, monkeypatch, HOOK)
    sandbox.write("codebook.yaml", DECLARED)
    sandbox.pe_dvc("manifest", "write")
    found = codebook(sandbox)
    assert found["variables"]["age_head"] == {
        "label": "Age of the head",
        "unit": "year",
        "period": "year",
    }
    assert found["sources"] == [{"name": "amodel", "version": "1.5"}]
    assert "not_in_the_data" not in found["variables"]
    sandbox.pe_dvc("channel", "update", "latest")
    sandbox.run("dvc", "commit", "--force", "--quiet")
    sandbox.commit("Describe the columns")
    sandbox.pe_dvc("push")
    sandbox.trust()
    shown = sandbox.read("show", REFERENCE).stdout
    assert "Age of the head [year]" in shown
    assert "household_weight  double  Weight of the household" in shown
    assert "age_head" in sandbox.read("find", "age", "head").stdout
    assert (
        "<labl>Age of the head</labl>" in sandbox.read("show", REFERENCE, "--format", "ddi").stdout
    )


def test_without_model_and_declaration_there_is_no_codebook(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("manifest", "write")
    assert not (sandbox.repo / CODEBOOK).exists()
    assert "codebook" not in (sandbox.repo / MANIFEST).read_text()


def test_a_second_write_changes_nothing_and_asks_no_model(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(sandbox, tmp_path, monkeypatch, HOOK)
    sandbox.pe_dvc("manifest", "write")
    before = (sandbox.repo / CODEBOOK).read_bytes()
    (tmp_path / "site/amodel_hook.py").write_text("raise SystemExit('asked again')")
    sandbox.pe_dvc("manifest", "write")
    assert (sandbox.repo / CODEBOOK).read_bytes() == before


def test_a_hook_that_fails_writes_no_manifest_and_says_how_to_go_on(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(sandbox, tmp_path, monkeypatch, "raise RuntimeError('no parameters')")
    done = sandbox.pe_dvc("manifest", "write", code=1)
    assert "RuntimeError: no parameters" in done.stderr
    assert "model: false" in done.stderr
    assert not (sandbox.repo / MANIFEST).exists()
    sandbox.write("codebook.yaml", "model: false\n")
    sandbox.pe_dvc("manifest", "write")
    assert (sandbox.repo / MANIFEST).exists()


def test_the_model_may_be_asked_in_another_environment(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(sandbox, tmp_path, monkeypatch, HOOK)
    file = sandbox.repo / "model.json"
    sandbox.pe_dvc("codebook", "write", "amodel", "-o", str(file), cwd=sandbox.researcher)
    del sandbox.environment["PYTHONPATH"]
    monkeypatch.delenv("PYTHONPATH")
    settings = (sandbox.repo / "pyproject.toml").read_text()
    sandbox.write("pyproject.toml", settings.replace('model_package = "amodel"\n', ""))
    sandbox.write("codebook.yaml", "model: model.json\n")
    sandbox.pe_dvc("manifest", "write")
    found = codebook(sandbox)
    assert found["variables"]["household_weight"]["label"] == "Weight of the household"
    assert found["sources"] == [{"name": "amodel", "version": "1.5"}]
    missing = sandbox.pe_dvc("codebook", "write", "amodel", "-o", str(file), code=3).stderr
    assert "amodel is not installed here" in missing


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {age_head: {lable: x}}", "Did you mean label?"),
        ("model: nowhere.json", "nowhere.json, which is `model` in codebook.yaml, is not there"),
        ("model: params.yaml", "params.yaml"),
        ("[1]", "codebook.yaml: is not a mapping"),
        ("columns: &a {x: *a}", "codebook.yaml"),
    ],
)
def test_a_wrong_declaration_names_the_file_and_writes_nothing(
    sandbox: Sandbox, text: str, said: str
) -> None:
    sandbox.write("codebook.yaml", text)
    done = sandbox.pe_dvc("manifest", "write", code=None)
    assert done.returncode in (1, 3)
    assert said in done.stderr
    assert not (sandbox.repo / MANIFEST).exists()


def test_a_declaration_that_a_kept_manifest_lacks_is_said_with_the_way_to_have_it(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(sandbox, tmp_path, monkeypatch, HOOK)
    sandbox.pe_dvc("manifest", "write")
    before = (sandbox.repo / MANIFEST).read_bytes()
    sandbox.write("codebook.yaml", "columns: {not_in_the_data: {label: x}}")
    assert "codebook.yaml" not in sandbox.pe_dvc("manifest", "write").stderr
    sandbox.write("codebook.yaml", DECLARED)
    said = sandbox.pe_dvc("manifest", "write").stderr
    assert "not in the manifest yet: codebook.yaml of cps_2024, enhanced_cps_2024. A" in said
    assert (sandbox.repo / MANIFEST).read_bytes() == before, "it may be published"
    for path in sandbox.repo.glob("manifests/*cps_2024.json"):
        path.unlink()
    follow(
        said,
        "A manifest stays while the dataset's bytes do; the next build with",
        lambda command: sandbox.run(*command),
    )
    assert codebook(sandbox)["variables"]["age_head"]["label"] == "Age of the head"
    assert "not in the manifest" not in sandbox.pe_dvc("manifest", "write").stderr
