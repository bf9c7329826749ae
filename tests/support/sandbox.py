"""A real data repo in a temporary directory, driven by the real `git`, `dvc` and `pe-dvc`."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from tests.support.advice import follow
from tests.support.commands import Done, run
from tests.support.environment import own_directories

if TYPE_CHECKING:
    from pathlib import Path

# For numbers in lists pyarrow imports pandas, to ask whether they are its: that takes longer than
# all else here, and each `dvc repro` waits for it.
BUILD = """
import sys
from array import array
import pyarrow as pa
import pyarrow.parquet as pq

seed = int(sys.argv[1])
rows = 1000


def column(kind, code, values):
    return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(array(code, values))])


table = pa.table({
    "household_id": column(pa.int64(), "q", range(rows)),
    "age_head": column(pa.int32(), "i", [(i * seed) % 90 for i in range(rows)]),
    "household_weight": column(pa.float64(), "d", [1.5 + i % 7 for i in range(rows)]),
})
pq.write_table(table, "data/enhanced_cps_2024.parquet")
pq.write_table(table.slice(0, 10), "data/cps_2024.parquet")
"""

DVC_YAML = """
stages:
  build:
    cmd: mkdir -p data && python build.py ${seed}
    deps: [build.py]
    params: [seed]
    outs: [data/enhanced_cps_2024.parquet, data/cps_2024.parquet]
  manifests:
    cmd: pe-dvc manifest write
    deps: [data/enhanced_cps_2024.parquet, data/cps_2024.parquet]
    outs:
      - manifests: {cache: false, persist: true}
  channel:
    cmd: pe-dvc channel update latest
    deps: [manifests]
artifacts:
  enhanced_cps_2024: &dataset
    path: data/enhanced_cps_2024.parquet
    type: dataset
    meta:
      pe:
        country: us
        entities:
          household: {key: household_id}
        weight: household_weight
        vintage: cps_asec_2024
  cps_2024:
    <<: *dataset
    path: data/cps_2024.parquet
"""

PYPROJECT = """
[tool.pe_dvc]
country = "us"
"""

RELEASE = """
[tool.pe_dvc.release]
data_package = "policyengine-us-data"
repo_id = "policyengine/policyengine-us-data"
default_datasets = {national = "enhanced_cps_2024", baseline = "cps_2024"}
"""
"""What a sandbox adds to pyproject.toml before it releases."""


class Sandbox:
    """A data repo, a bucket and a researcher. Every command runs as its own process."""

    def __init__(self, directory: Path, store: str, remote_options: dict[str, str]) -> None:
        self.directory = directory
        self.repo = directory / "us-data"
        self.store = store
        self.environment = {**os.environ, **own_directories(directory)}
        self.remote_options = remote_options

    def run(
        self, *command: str, cwd: Path | None = None, code: int | None = 0, **environment: str
    ) -> Done:
        """Run a command and check its exit code; None means that any will do."""
        return run(
            *command,
            cwd=cwd or self.repo,
            code=code,
            environment={**self.environment, **environment},
        )

    def pe_dvc(
        self, *arguments: str, cwd: Path | None = None, code: int | None = 0, **environment: str
    ) -> Done:
        """Run pe-dvc and check its exit code."""
        return self.run("pe-dvc", *arguments, cwd=cwd, code=code, **environment)

    def json(self, *arguments: str, cwd: Path | None = None) -> Any:
        """Run pe-dvc with --json and return what it printed."""
        return json.loads(self.pe_dvc(*arguments, "--json", cwd=cwd).stdout)

    def start(self) -> None:
        """Make an empty data repo, whose remote is the store."""
        self.repo.mkdir(parents=True)
        self.run("git", "init", "--quiet")
        self.run("dvc", "init", "--quiet")
        self.write(".dvc/config", "[core]\n    analytics = false\n    remote = policyengine\n")
        self.configure_remote(self.repo)

    def create(self) -> None:
        """Make the repo with its keys, not built yet."""
        self.start()
        self.write("build.py", BUILD)
        self.write("dvc.yaml", DVC_YAML)
        self.write("params.yaml", "seed: 7\n")
        self.write("pyproject.toml", PYPROJECT)
        self.pe_dvc("channel", "init", "--country", "us")

    def configure_remote(self, repo: Path) -> None:
        """Say in a clone's own configuration, which git does not hold, where the bucket is."""
        options = {"url": f"{self.store}/us", **self.remote_options}
        lines = [f"    {name} = {value}\n" for name, value in options.items()]
        (repo / ".dvc/config.local").write_text("['remote \"policyengine\"']\n" + "".join(lines))

    def start_from(self, built: Sandbox) -> None:
        """Take over a repo that was built elsewhere, with its keys: a build takes many seconds."""
        shutil.copytree(built.repo, self.repo, symlinks=True)
        shutil.copytree(built.directory / "keys", self.directory / "keys")
        self.configure_remote(self.repo)

    def write(self, path: str, text: str) -> None:
        """Write a file of the repo."""
        (self.repo / path).write_text(text)

    def build(self) -> None:
        """Run the pipeline and commit what it wrote."""
        self.run("dvc", "repro", "--quiet")
        self.commit("Build")

    def commit(self, message: str, cwd: Path | None = None) -> None:
        """Commit everything."""
        self.run("git", "add", "--all", cwd=cwd)
        self.run("git", "commit", "--quiet", "--message", message, cwd=cwd)

    def follow(
        self, said: str, message: str, *, cwd: Path | None = None, code: int = 0
    ) -> list[str]:
        """Run what a message advises (``tests.support.advice``), and return what each printed."""
        printed: list[str] = []

        def run(command: list[str]) -> None:
            if command[:2] == ["git", "commit"]:
                self.commit("As advised", cwd=cwd)
            else:
                done = self.run(*command, cwd=cwd, code=code)
                printed.append(done.stdout + done.stderr)

        follow(said, message, run)
        return printed

    def trust(self) -> None:
        """Let the researcher pin the country's root."""
        self.pe_dvc("trust", "add", "us", str(self.repo / "channels/us/root.json"))

    @property
    def researcher(self) -> Path:
        """A directory that is no data repo."""
        place = self.directory / "researcher"
        place.mkdir(exist_ok=True)
        return place

    def read(self, *arguments: str, code: int = 0) -> Done:
        """Run pe-dvc as a researcher without a clone."""
        return self.pe_dvc(*arguments, cwd=self.researcher, code=code, PE_DVC_STORE=self.store)
