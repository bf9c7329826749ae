"""The two incidents of 2026 on the example's CPS, as docs/incidents.md tells them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.profile import Profile
from tests.support.cps_incidents import CpsIncident, told
from tests.support.printed import follow, is_printed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def incident(request: pytest.FixtureRequest, tmp_path: Path, sdist: Path) -> CpsIncident:
    """Return a repo whose good build is published and nominated."""
    made = CpsIncident(tmp_path, sdist, request.param)
    made.create()
    return made


def sha256(repo: CpsIncident) -> str:
    manifest = json.loads((repo.repo / f"manifests/{repo.name}.json").read_text())
    return str(manifest["artifact"]["sha256"])


def shown(repo: CpsIncident) -> str:
    """Return what a reader of latest gets."""
    reference = f"{repo.country}/{repo.name}@latest"
    found = repo.json("show", "--store", repo.store, reference)
    return str(found["manifest"]["artifact"]["sha256"])


def access(repo: CpsIncident) -> str:
    profile = (repo.repo / f"manifests/{repo.name}.profile.json").read_bytes()
    return Profile.from_bytes(profile).access


def follow_the_page(repo: CpsIncident) -> None:
    """Run the page's commands; each prints what the page says."""
    follow(told(repo.country), lambda command: repo.run(*command, code=None))


def refused(repo: CpsIncident) -> str:
    """Return the report of a refused nomination, for the pull request."""
    before = (repo.repo / f"channels/{repo.country}/next.json").read_bytes()
    done = repo.pe_dvc("channel", "promote", "latest", "next", "--report", "markdown", code=1)
    assert (repo.repo / f"channels/{repo.country}/next.json").read_bytes() == before
    return done.stdout


def go_back(repo: CpsIncident, good: str) -> None:
    """Bring the files of the first build back, publish, and see that readers have them."""
    assert sha256(repo) == good
    repo.run("git", "checkout", "HEAD~2", "--", "dvc.lock", "params.yaml", "figures.json")
    repo.pe_dvc("pull")
    repo.commit("Go back")
    repo.pe_dvc("push")
    assert shown(repo) == good


@pytest.mark.parametrize("incident", ["us"], indirect=True)
def test_an_overweighted_top_tail_is_stopped_and_taken_back(incident: CpsIncident) -> None:
    good = sha256(incident)
    assert access(incident) == "public"
    status = incident.pe_dvc("channel", "status").stdout
    assert f"gates of {incident.name} in next" in status
    assert "passed tail of e01100 top_100: 0.29" in status
    assert "passed n_eff of tax_unit" in status

    incident.publish(tail=4.0, claimants=1.0)
    assert shown(incident) == sha256(incident) != good, "latest is not reviewed"
    report = refused(incident)
    assert "### enhanced\\_cps\\_2024: gates FAILED" in report
    assert "| drift | e01100 |" in report
    assert "| drift | e00200 |" in report.partition("<details>")[2]
    follow_the_page(incident)
    go_back(incident, good)


@pytest.mark.parametrize("incident", ["uk"], indirect=True)
def test_half_of_universal_credit_is_stopped_and_taken_back(incident: CpsIncident) -> None:
    good = sha256(incident)
    assert access(incident) == "gated"
    incident.publish(tail=1.0, claimants=0.4235)
    assert shown(incident) == sha256(incident) != good
    report = refused(incident)
    assert "### enhanced\\_frs\\_2024: gates FAILED, " in report
    follow_the_page(incident)

    incident.pe_dvc("channel", "rollback", "latest", "--to", "1", "--reason", "Half of UC")
    go_back(incident, good)
    status = incident.json("channel", "status")["gates"][incident.name]
    assert {"gate": "benchmarks", "result": "passed", "of": "Universal Credit"}.items() <= next(
        one for one in status if one.get("of") == "Universal Credit"
    ).items()


def test_a_page_that_says_what_is_not_printed_is_noticed() -> None:
    printed = "a\nb 0123456789ab\nc\nd\n"
    assert is_printed("a\n…\nc\n", printed)
    assert is_printed("b ba9876543210\nc\n", printed)
    assert not is_printed("a\nc\n", printed)
    assert not is_printed("c\n…\na\n", printed)
    assert not is_printed("c 1\n", printed)
