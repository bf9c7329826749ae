"""Hooks of other packages that say what a model's variables mean; they may do anything."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters import codebook_hooks
from pe_dvc.adapters.codebook_hooks import model_codebook
from pe_dvc.documents.codebook import CodedValue
from pe_dvc.primitives.errors import FormatError, PeDvcError
from tests.support.model_package import HOOK, install_model
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = 'return {"variables": {"age": {"label": "Age"}}, "entities": {}}'


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    codebook_hooks._asked.cache_clear()
    yield
    codebook_hooks._asked.cache_clear()


def test_a_hook_is_asked_and_its_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_model(tmp_path, monkeypatch, GOOD)
    found = model_codebook("amodel")
    assert found is not None
    assert found.variable("age").label == "Age"
    assert [(source.name, source.version) for source in found.sources] == [("amodel", "1.5")]


def test_what_is_not_installed_or_not_known_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_model(tmp_path, monkeypatch, "return None")
    assert model_codebook("amodel") is None
    assert model_codebook("no-such-package") is None
    assert model_codebook("click") is None  # installed, and no model: it is not imported


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no parameters')", "ValueError: no parameters"),
        ("raise SystemExit(0)", "it ended without an answer"),
        ("import os; os._exit(0)", "it ended without an answer"),
        ("import os; os.abort()", "exit code -6"),
        ("return {'variables': {'age': {'label': object()}}}", "not JSON serializable"),
    ],
)
def test_a_hook_that_fails_is_an_error_and_no_half_codebook(
    body: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_model(tmp_path, monkeypatch, body)
    with pytest.raises(PeDvcError, match="amodel mean could not be asked") as caught:
        model_codebook("amodel")
    assert said in caught.value.message
    assert "model: false" in str(caught.value.remedy)


@pytest.mark.parametrize(
    "body",
    [
        "return {'variables': {}}",
        "return {'variables': {'age': {'label': 7}}}",
        "return {'variables': ['age']}",
        "return {'variables': {'age': {'values': [{'value': None, 'label': 'x'}]}}}",
        "return {'variables': {'age': {'unit': float('nan')}}}",
        "return {'variables': {'a': {}}, 'schema_version': 9}",
    ],
)
def test_what_is_no_codebook_is_an_error(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_model(tmp_path, monkeypatch, body)
    with pytest.raises(FormatError) as caught:
        model_codebook("amodel")
    assert "the codebook hook of amodel" in caught.value.message


def test_a_hook_that_never_ends_is_stopped_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codebook_hooks, "SECONDS", 3)
    child = tmp_path / "child"
    body = (
        "import subprocess, time\n"
        f"    process = subprocess.Popen(['sleep', '100'])\n"
        f"    open({str(child)!r}, 'w').write(str(process.pid))\n"
        "    time.sleep(100)"
    )
    install_model(tmp_path, monkeypatch, body)
    with pytest.raises(PeDvcError, match="longer than 3 seconds"):
        model_codebook("amodel")
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", child.read_text()], capture_output=True, text=True, check=False
    ).stdout
    assert state.strip()[:1] in ("", "Z")


def test_what_a_hook_leaves_behind_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has what the hook's messages go to, and may run on."""
    monkeypatch.setattr(codebook_hooks, "SECONDS", 20)
    start = "import subprocess\n    subprocess.Popen(['sleep', '40'], start_new_session=True)"
    install_model(tmp_path, monkeypatch, f"{start}\n    {GOOD}")
    found = model_codebook("amodel")
    assert found is not None
    assert found.variable("age").label == "Age"


def test_a_folder_of_the_working_directory_is_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone's author could have code run by its name."""
    (tmp_path / "site").mkdir()
    install_model(tmp_path / "site", monkeypatch, f"import other\n    {GOOD}")
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone/other.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(PeDvcError, match="No module named 'other'"):
        model_codebook("amodel")


CORE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from policyengine_core.country_template import CountryTaxBenefitSystem
from pe_dvc.adapters.policyengine_core import codebook, of_system
assert codebook("policyengine-core") is None and codebook("no-such") is None
print(json.dumps(of_system(CountryTaxBenefitSystem())))
"""


def test_the_ready_hook_reads_a_real_system_of_policyengine_core(core: Path) -> None:
    done = subprocess.run([core, "-c", CORE, ROOT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    salary = found["variables"]["salary"]
    assert salary["label"] == "Salary"
    assert salary["entity"] == "person"
    assert salary["period"] == "month"
    status = found["variables"]["housing_occupancy_status"]
    assert {"value": "tenant", "label": "Tenant"} in status["values"]
    assert status["entity"] == "household"
    assert found["entities"]["household"]["plural"] == "households"
    assert all(variable["label"] for variable in found["variables"].values())


def test_the_ready_hook_reads_a_model_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that depends on policyengine-core, as PolicyEngine's country packages do."""
    install_model(tmp_path, monkeypatch, None, needs="policyengine-core>=3")
    found = model_codebook("amodel")
    assert found is not None
    income = found.variable("employment_income")
    assert income.label == "Employment income"
    assert income.unit == "currency-USD"
    assert income.references == ("https://example.org/law",)
    assert CodedValue(value="SINGLE", label="Single person") in found.variable("status").values
    assert found.entity("person").plural == "people"
    assert HOOK not in json.dumps(found.to_json())
