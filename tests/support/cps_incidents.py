"""The example's CPS going through the incidents of 2026, as docs/incidents.md tells them."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.yaml import read_yaml
from tests.support.paths import ROOT
from tests.support.printed import section
from tests.support.sandbox import Sandbox
from tests.support.us_cps import US_CPS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs/incidents.md").read_text()
SCRIPTS = ROOT / "tests/support/incident_build"
TITLE = {"us": "United States", "uk": "United Kingdom"}
NAME = {"us": "enhanced_cps_2024", "uk": "enhanced_frs_2024"}
PATH = "data/enhanced_cps_2024.parquet"
NOT_OF_THE_REPO = shutil.ignore_patterns(
    *("demo*.py", "__pycache__", "cache", "tmp", "raw", "data", "dvc.lock", "manifests", "channels")
)


def told(country: str) -> str:
    """Return the part of the page about the incident of a country."""
    return section(PAGE, TITLE[country])


def declared(country: str) -> list[dict[str, Any]]:
    """Return what the YAML of a section says: gates, and benchmarks where there are some."""
    blocks = re.findall(r"```yaml\n(.*?)```", told(country), re.DOTALL)
    return [read_yaml(block.encode(), "docs/incidents.md") for block in blocks]


class CpsIncident(Sandbox):
    """The example's data repo with a recalibration, and the gates that would have stopped it."""

    def __init__(self, directory: Path, sdist: Path, country: str) -> None:
        super().__init__(directory, str(directory / "bucket"), {})
        self.environment["US_CPS_SDIST"] = str(sdist)
        self.country, self.name = country, NAME[country]

    def configure_remote(self, repo: Path) -> None:
        """Say where the bucket is."""
        url = f"{self.store}/{self.country}"
        (repo / ".dvc/config.local").write_text(f"['remote \"policyengine\"']\n    url = {url}\n")

    def create(self) -> None:
        """Make the repo with its keys, and the good build published and nominated."""
        shutil.copytree(US_CPS, self.repo, ignore=NOT_OF_THE_REPO)
        shutil.copytree(SCRIPTS, self.repo / "build", dirs_exist_ok=True)
        self.run("git", "init", "--quiet")
        self.configure_remote(self.repo)
        settings = (self.repo / "pyproject.toml").read_text()
        self.write("pyproject.toml", settings.replace('"us"', f'"{self.country}"'))
        self._declare()
        self.pe_dvc("channel", "init", "--country", self.country)
        self.publish(tail=1.0, claimants=1.0)
        self.pe_dvc("channel", "promote", "latest", "next")
        self.commit("Nominate")
        self.pe_dvc("push")
        self.pe_dvc("trust", "add", self.country, f"channels/{self.country}/root.json")

    def _declare(self) -> None:
        """Add the recalibration to the pipeline, and the page's gates to the dataset."""
        pipeline = read_yaml((self.repo / "dvc.yaml").read_bytes(), "dvc.yaml")
        stages, artifacts = pipeline["stages"], pipeline["artifacts"]
        build = stages["enhanced_cps_2024"]
        build["cmd"] += f" && python build/recalibrate.py {PATH} ${{tail}} ${{claimants}}"
        build["deps"].append("build/recalibrate.py")
        build["params"] += ["tail", "claimants"]
        stages["model"] = {
            "cmd": f"python build/model.py {PATH} figures.json",
            "deps": ["build/model.py", PATH],
            "outs": [{"figures.json": {"cache": False}}],
        }
        dataset = artifacts.pop("enhanced_cps_2024")
        dataset["meta"]["pe"] |= {"country": self.country}
        for block in declared(self.country):
            if "gates" in block:
                dataset["meta"]["pe"] |= block
            else:
                self.write("benchmarks.yaml", json.dumps(block))
        pipeline["artifacts"] = {self.name: dataset}
        self.write("dvc.yaml", json.dumps(pipeline, indent=2))

    def publish(self, *, tail: float, claimants: float) -> None:
        """Build, commit and push."""
        params = (US_CPS / "params.yaml").read_text()
        self.write("params.yaml", f"{params}tail: {tail}\nclaimants: {claimants}\n")
        self.run("dvc", "repro", "--quiet")
        self.commit(f"Build with tail {tail} and claimants {claimants}")
        self.pe_dvc("push")
