"""Drift against a release and against last year's month, and of a dataset under a new name."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import GateError
from pe_dvc.project import earlier_states
from pe_dvc.project.channel_promote import promote
from pe_dvc.project.repo import DataRepo
from tests.support.drifting_repo import DriftingRepo

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "enhanced_cps_2024", "enhanced_cps_2025"
DRIFT = "drift: {capital_gains: 0.25}"
RELEASE = f"""
[tool.pe_dvc.release]
data_package = "policyengine-us-data"
repo_id = "policyengine/policyengine-us-data"
default_datasets = {{national = "{OLD}"}}
"""


class Clock(datetime):
    """A clock that is a year ahead."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) + timedelta(days=366)


@pytest.fixture
def released(tmp_path: Path) -> DriftingRepo:
    """Return a repo whose first build is nominated and released, and whose gate is drift."""
    made = DriftingRepo(tmp_path, str(tmp_path / "bucket"), f"{{{DRIFT}}}", rows=5_000)
    made.create()
    made.pe_dvc("trust", "add", "us", "channels/us/root.json")
    with (made.repo / "pyproject.toml").open("a") as settings:
        settings.write(RELEASE)
    made.commit("How releases are made")
    made.pe_dvc("push")
    made.run("git", "tag", "1.0.0")
    made.pe_dvc("release", "create", "1.0.0", "--from-latest")
    made.commit("Release 1.0.0")
    made.pe_dvc("release", "push", "1.0.0")
    return made


def nominate(repo: DriftingRepo) -> None:
    repo.pe_dvc("channel", "promote", "latest", "next")
    repo.commit("Nominate")
    repo.pe_dvc("push")


def test_small_steps_are_stopped_by_what_they_add_up_to(
    released: DriftingRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    released.build_with(tail=1.2)
    released.pe_dvc("push")
    nominate(released)
    status = released.pe_dvc("channel", "status").stdout
    assert "within 0.25 of release 1.0.0:" in status

    released.build_with(tail=1.6)
    said = released.pe_dvc("channel", "promote", "latest", "next", code=1).stderr
    assert "1 gate failed" in said, said
    assert "gate drift of capital_gains:" in said
    assert "expected within 0.25 of release 1.0.0:" in said

    # A year later what was published last, of the same month, is compared with too.
    monkeypatch.setattr(earlier_states, "datetime", Clock)
    for name, value in released.environment.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
    released.build_with(tail=4.0)
    with pytest.raises(GateError) as caught:
        promote(DataRepo(released.repo))
    month = f"{datetime.now(UTC):%Y-%m}"
    results = caught.value.results
    assert results is not None
    result = results[OLD]
    compared = [one.expected.partition(":")[0] for one in result if one.gate == "drift"]
    states = ["next", "release 1.0.0", f"latest of {month}"]
    assert compared == [f"within 0.25 of {state}" for state in states]
    assert not any(one.passed for one in result if one.gate == "drift")


def test_a_successor_under_another_name_is_compared_with_what_it_succeeds(
    released: DriftingRepo,
) -> None:
    declared = (released.repo / "dvc.yaml").read_text().replace(OLD, NEW)
    misspelt = f"{{{DRIFT}, compare_with: {OLD}_}}"
    released.write("dvc.yaml", declared.replace(f"{{{DRIFT}}}", misspelt))
    released.build_with(tail=1.0)
    said = released.pe_dvc("channel", "promote", "latest", "next", code=1).stderr
    assert f"meta.pe.gates.compare_with of {NEW}: names '{OLD}_'" in said
    gates = f"{{{DRIFT}, compare_with: {OLD}}}"
    released.write("dvc.yaml", declared.replace(f"{{{DRIFT}}}", gates))
    released.build_with(tail=4.0)
    said = released.pe_dvc("channel", "promote", "latest", "next", code=1).stderr
    assert f"{NEW}: gate drift of capital_gains:" in said
    assert f"within 0.25 of {OLD} of next:" in said
    assert f"within 0.25 of {OLD} of release 1.0.0:" in said

    released.build_with(tail=1.1)
    nominate(released)
    released.build_with(tail=1.3)
    report = released.pe_dvc("channel", "promote", "latest", "next", "--report", "markdown")
    assert "within 0.25 of next:" in report.stdout, "it is there itself now"
    assert f"within 0.25 of {OLD.replace('_', chr(92) + '_')} of release 1.0.0" in report.stdout


def test_deprecated_releases_and_those_not_trusted_are_not_compared_with(
    released: DriftingRepo,
) -> None:
    released.pe_dvc("release", "deprecate", "1.0.0", "--reason", "Wrong tail")
    released.commit("Deprecate")
    released.pe_dvc("push")
    released.build_with(tail=1.2)
    report = released.pe_dvc("channel", "promote", "latest", "next", "--report", "markdown")
    assert "release 1.0.0" not in report.stdout + report.stderr
