"""A data repo whose weights drift: a part of the weight goes to the top tail of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

NAME = "enhanced_cps_2024"

BUILD = """
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

path, rows, tail = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
random = np.random.default_rng(7)
employment = np.where(random.random(rows) < 0.7, random.lognormal(10.6, 0.8, rows), 0).round(2)
gains = np.where(random.random(rows) < 0.06, random.lognormal(8.5, 2, rows), 0).round(2)
weight = random.gamma(4, 150e6 / rows / 4, rows)
top = np.argsort(gains)[-rows // 1000 :]
weight[top] *= tail  # the recalibration over-weights a synthetic top tail
weight /= weight.sum() / 150e6
table = {
    "tax_unit_id": np.arange(rows),
    "household_weight": weight,
    "employment_income": employment,
    "capital_gains": gains,
    "age": random.integers(18, 90, rows).astype("int8"),
    "filing_status": random.choice(["single", "joint", "head"], rows, p=[0.5, 0.4, 0.1]),
}
pq.write_table(pa.table(table), path)
"""

DVC_YAML = """
stages:
  build:
    cmd: mkdir -p data && python build.py data/{name}.parquet ${{rows}} ${{tail}}
    deps: [build.py]
    params: [rows, tail]
    outs: [data/{name}.parquet]
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


class DriftingRepo(Sandbox):
    """A data repo with these gates, whose first build is published and nominated."""

    def __init__(self, directory: Path, store: str, gates: str, *, rows: int) -> None:
        super().__init__(directory, store, {})
        self.gates, self.rows = gates, rows

    def create(self) -> None:
        """Make the repo with its keys, and the first build published and nominated."""
        self.start()
        self.write("build.py", BUILD)
        self.write("dvc.yaml", DVC_YAML.format(name=NAME, gates=self.gates))
        self.write("pyproject.toml", '[tool.pe_dvc]\ncountry = "us"\n')
        self.pe_dvc("channel", "init", "--country", "us")
        self.build_with(tail=1.0)
        self.pe_dvc("push")
        self.pe_dvc("channel", "promote", "latest", "next")
        self.commit("Nominate")
        self.pe_dvc("push")

    def build_with(self, *, tail: float) -> None:
        """Build and sign latest, without publishing it."""
        self.write("params.yaml", f"rows: {self.rows}\ntail: {tail}\n")
        self.run("dvc", "repro", "--quiet")
        self.commit(f"Build with tail {tail}")
