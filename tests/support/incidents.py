"""Two data repos that live through the incidents of 2026: docs/incidents.md tells the stories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

NAME = {"us": "enhanced_cps_2024", "uk": "enhanced_frs_2024"}

BUILD = """
import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

path, rows, tail, take_up = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
random = np.random.default_rng(7)
employment = np.where(random.random(rows) < 0.7, random.lognormal(10.6, 0.8, rows), 0).round(2)
gains = np.where(random.random(rows) < 0.06, random.lognormal(8.5, 2, rows), 0).round(2)
weight = random.gamma(4, 150e6 / rows / 4, rows)
top = np.argsort(gains)[-rows // 1000 :]
weight[top] *= tail  # the recalibration over-weights a synthetic top tail
weight /= weight.sum() / 150e6
entitled = (employment < 9000) & (random.random(rows) < 0.5)
claims = entitled & (random.random(rows) < take_up)
award = np.where(claims, 7200.0, 0.0)
# As if all who are entitled claimed: the administrative total of the good build.
award *= 75.8e9 / (7200.0 * weight[entitled].sum())
table = {
    "tax_unit_id": np.arange(rows),
    "household_weight": weight,
    "employment_income": employment,
    "capital_gains": gains,
    "age": random.integers(18, 90, rows).astype("int8"),
    "filing_status": random.choice(["single", "joint", "head"], rows, p=[0.5, 0.4, 0.1]),
}
pq.write_table(pa.table(table), path)
figures = {"universal_credit": {"2026": float(award @ weight)}}
with open("figures.json", "w") as file:
    json.dump(figures, file)
"""

DVC_YAML = """
stages:
  build:
    cmd: mkdir -p data && python build.py data/{name}.parquet ${{rows}} ${{tail}} ${{take_up}}
    deps: [build.py]
    params: [rows, tail, take_up]
    outs:
      - data/{name}.parquet
      - figures.json: {{cache: false}}
  manifests:
    cmd: pe-dvc manifest write
    deps: [data/{name}.parquet]
    outs:
      - manifests: {{cache: false, persist: true}}
  channel:
    cmd: pe-dvc channel update latest
    deps: [manifests]
artifacts:
  {name}:
    path: data/{name}.parquet
    type: dataset
    meta:
      pe:
        entities:
          tax_unit: {{key: tax_unit_id}}
        weight: household_weight
        vintage: survey_2024
        gates: {gates}
"""

GATES = {
    "us": "{tail: {capital_gains: {top_100: 0.8}}, n_eff: 1000, "
    'drift: {"*": 0.25, employment_income: 0.05}}',
    "uk": "{benchmarks: benchmarks.yaml, measure: figures.json, n_eff: 1000}",
}

BENCHMARKS = """
benchmarks:
  - name: Universal Credit
    measure: universal_credit
    year: 2026
    value: 75.8e9
    tolerance: 0.1
    source: DWP benefit expenditure tables
    url: https://www.gov.uk/government/collections/benefit-expenditure-tables
  - name: Population of tax units
    column: household_weight
    value: 150e6
    tolerance: 0.02
    source: by construction
"""


class IncidentRepo(Sandbox):
    """A data repo of one country, with the gates that would have stopped its incident."""

    def __init__(self, directory: Path, store: str, country: str, *, rows: int = 20_000) -> None:
        super().__init__(directory, store, {})
        self.country, self.rows, self.name = country, rows, NAME[country]

    def configure_remote(self, repo: Path) -> None:
        """Say where the bucket is."""
        url = f"{self.store}/{self.country}"
        (repo / ".dvc/config.local").write_text(f"['remote \"policyengine\"']\n    url = {url}\n")

    def create(self) -> None:
        """Make the repo with its keys, and the good build published and nominated."""
        self.repo.mkdir(parents=True)
        self.run("git", "init", "--quiet")
        self.run("dvc", "init", "--quiet")
        self.write(".dvc/config", "[core]\n    analytics = false\n    remote = policyengine\n")
        self.configure_remote(self.repo)
        self.write("build.py", BUILD)
        self.write("dvc.yaml", DVC_YAML.format(name=self.name, gates=GATES[self.country]))
        self.write("benchmarks.yaml", BENCHMARKS)
        self.write("pyproject.toml", f'[tool.pe_dvc]\ncountry = "{self.country}"\n')
        self.pe_dvc("channel", "init", "--country", self.country)
        self.publish(tail=1.0, take_up=1.0)
        self.pe_dvc("channel", "promote", "latest", "next")
        self.commit("Nominate")
        self.pe_dvc("push")

    def publish(self, *, tail: float, take_up: float) -> None:
        """Build, commit and push."""
        self.write("params.yaml", f"rows: {self.rows}\ntail: {tail}\ntake_up: {take_up}\n")
        self.run("dvc", "repro", "--quiet")
        self.commit(f"Build with tail {tail} and take-up {take_up}")
        self.pe_dvc("push")
