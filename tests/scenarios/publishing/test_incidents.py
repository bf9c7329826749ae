"""The two incidents of 2026, and how gates, status and a rollback end them: docs/incidents.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.profile import Profile
from tests.support.incidents import IncidentRepo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def incident(request: pytest.FixtureRequest, tmp_path: Path) -> IncidentRepo:
    """Return a repo whose good build is published and nominated."""
    made = IncidentRepo(tmp_path, str(tmp_path / "bucket"), request.param)
    made.create()
    made.pe_dvc("trust", "add", made.country, f"channels/{made.country}/root.json")
    return made


def sha256(repo: IncidentRepo) -> str:
    manifest = json.loads((repo.repo / f"manifests/{repo.name}.json").read_text())
    return str(manifest["artifact"]["sha256"])


def shown(repo: IncidentRepo) -> str:
    """Return what a reader of latest gets."""
    reference = f"{repo.country}/{repo.name}@latest"
    found = repo.json("show", "--store", repo.store, reference)
    return str(found["manifest"]["artifact"]["sha256"])


def refused(repo: IncidentRepo) -> tuple[str, str]:
    """Return what a refused nomination says, and its report for the pull request."""
    before = (repo.repo / f"channels/{repo.country}/next.json").read_bytes()
    done = repo.pe_dvc("channel", "promote", "latest", "next", "--report", "markdown", code=1)
    assert (repo.repo / f"channels/{repo.country}/next.json").read_bytes() == before
    return done.stderr, done.stdout


@pytest.mark.parametrize("incident", ["us"], indirect=True)
def test_an_overweighted_top_tail_is_stopped_and_taken_back(incident: IncidentRepo) -> None:
    good = sha256(incident)
    status = incident.pe_dvc("channel", "status").stdout
    assert f"gates of {incident.name} in next" in status
    assert "passed tail of capital_gains top_100: 0.73" in status
    assert "passed n_eff of tax_unit" in status

    incident.publish(tail=4.0, take_up=1.0)
    assert shown(incident) == sha256(incident) != good, "latest is not reviewed"
    said, report = refused(incident)
    assert "gate tail of capital_gains top_100: 0.87" in said
    assert "expected at most 0.8" in said
    assert "gate drift of capital_gains:" in said
    assert "expected within 0.25 of next:" in said
    assert "drift of employment_income" not in said
    assert "### enhanced\\_cps\\_2024: gates FAILED" in report
    assert "| drift | capital\\_gains |" in report
    assert "| drift | employment\\_income |" in report.partition("<details>")[2]

    back = incident.pe_dvc(
        "channel", "rollback", "latest", "--to", "1", "--reason", "Top tail weighted 4x"
    ).stderr
    assert "expected within 0.25 of latest: " in back
    assert "of next: " not in back, "it is compared with the latest that it leaves"
    assert sha256(incident) == good
    profile = (incident.repo / f"manifests/{incident.name}.profile.json").read_bytes()
    assert Profile.from_bytes(profile).access == "public"
    incident.run("git", "checkout", "HEAD~2", "--", "dvc.lock", "params.yaml", "figures.json")
    incident.pe_dvc("pull")
    incident.commit("Go back")
    incident.pe_dvc("push")
    assert shown(incident) == good


@pytest.mark.parametrize("incident", ["uk"], indirect=True)
def test_half_of_universal_credit_is_stopped_and_taken_back(incident: IncidentRepo) -> None:
    good = sha256(incident)
    profile = (incident.repo / f"manifests/{incident.name}.profile.json").read_bytes()
    assert Profile.from_bytes(profile).access == "gated"
    # The recalibration changes weights, too: the same bytes would be the same version.
    incident.publish(tail=1.1, take_up=0.5)
    assert shown(incident) != good
    said, report = refused(incident)
    assert "gate benchmarks of Universal Credit: 3.69" in said
    assert "e+10 (0.487 of it)" in said
    assert "expected 7.58e+10 within 0.1, by DWP benefit expenditure tables 2026" in said
    assert "### enhanced\\_frs\\_2024: gates FAILED, " in report
    assert "Population of tax units" in report.partition("<details>")[2]

    incident.pe_dvc("channel", "rollback", "latest", "--to", "1", "--reason", "Half of UC")
    assert sha256(incident) == good
    incident.run("git", "checkout", "HEAD~2", "--", "dvc.lock", "params.yaml", "figures.json")
    incident.pe_dvc("pull")
    incident.commit("Go back")
    incident.pe_dvc("push")
    assert shown(incident) == good
    status = incident.json("channel", "status")["gates"][incident.name]
    assert {"gate": "benchmarks", "result": "passed", "of": "Universal Credit"}.items() <= next(
        one for one in status if one.get("of") == "Universal Credit"
    ).items()
