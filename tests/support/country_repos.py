"""Data repos that ``pe-dvc init`` lays out, several in one bucket, each with its maintainer."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.commands import Done, run
from tests.support.environment import own_directories, own_home

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = """
[tool.pe_dvc.release]
tags = "{line}-*"
data_package = "{line}-data"
repo_id = "policyengine/{line}"
default_datasets = {{national = "{name}"}}
"""


@dataclass(frozen=True)
class CountryRepo:
    """The data repo of ``country`` in ``root``, a git repo or a directory in one.

    ``home`` is its maintainer's, with keys and pins of their own; ``variables`` reach the store.
    """

    root: Path
    country: str
    store: str
    home: Path
    variables: dict[str, str]
    name: str = "persons_2024"

    @property
    def environment(self) -> dict[str, str]:
        """The maintainer's."""
        self.home.mkdir(exist_ok=True)
        return {
            **os.environ,
            **own_home(self.home),
            **own_directories(self.home),
            **self.variables,
        }

    def run(self, *command: str | Path, code: int | None = 0, cwd: Path | None = None) -> Done:
        """Run a command in the repo, and check its exit code."""
        return run(*command, cwd=cwd or self.root, code=code, environment=self.environment)

    def json(self, *arguments: str) -> Any:
        """Run pe-dvc with --json and return what it printed."""
        return json.loads(self.run("pe-dvc", *arguments, "--json").stdout)

    def create(self, *options: str) -> None:
        """Set up the repo, in a git repo that is there."""
        self.root.mkdir(exist_ok=True)
        at = ("--country", self.country, "--store", self.store)
        self.run("pe-dvc", "init", *at, *options)
        if endpoint := self.variables.get("AWS_ENDPOINT_URL"):
            place = ("--local", "policyengine", "endpointurl", endpoint)
            self.run("dvc", "remote", "modify", *place)

    def write(self, *ages: int) -> None:
        """Write the dataset: what a script of the country's would build."""
        table = {
            "person_id": range(len(ages)),
            "person_household_id": [0] * len(ages),
            "household_weight": [1.5] * len(ages),
            "age": ages,
        }
        place = self.root / f"data/{self.name}.parquet"
        place.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({name: list(values) for name, values in table.items()}), place)

    def add(self) -> None:
        """Declare the dataset."""
        self.run("pe-dvc", "add", f"data/{self.name}.parquet")

    def publish(self, message: str) -> None:
        """Build, commit and push, as the page on adoption says."""
        self.run("dvc", "repro", "--quiet")
        self.commit(message)
        self.run("pe-dvc", "push")

    def commit(self, message: str) -> None:
        """Commit everything of the directory."""
        self.run("git", "add", "--all", ".")
        self.run("git", "commit", "--quiet", "--message", message)

    def release(self, line: str, number: int) -> str:
        """Tag, register and publish a release of what was published last; return its tag."""
        settings, tag = self.root / "pyproject.toml", f"{line}-2024-{number}"
        if "\n[tool.pe_dvc.release]" not in settings.read_text():
            with settings.open("a") as file:
                file.write(RELEASE.format(line=line, name=self.name))
            self.commit("How releases are made")
        self.run("git", "tag", tag)
        self.run("pe-dvc", "release", "create", tag, "--from-latest")
        self.commit(f"Release {tag}")
        self.run("pe-dvc", "release", "push", tag)
        return tag

    @property
    def published_root(self) -> Path:
        """What readers pin."""
        return self.root / "channels" / self.country / "root.json"


@dataclass(frozen=True)
class Reader:
    """A researcher without a clone."""

    home: Path
    store: str
    variables: dict[str, str]

    def run(self, *arguments: str | Path, code: int | None = 0) -> Done:
        """Run pe-dvc and check its exit code."""
        self.home.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            **own_home(self.home),
            **own_directories(self.home),
            **self.variables,
            "PE_DVC_STORE": self.store,
        }
        return run("pe-dvc", *arguments, cwd=self.home, code=code, environment=environment)

    def trust(self, repo: CountryRepo) -> None:
        """Pin the root of a data repo."""
        self.run("trust", "add", repo.country, repo.published_root)

    def ages(self, reference: str) -> list[int]:
        """Return what a dataset holds, fetched and verified."""
        got = self.run("get", reference).stdout.strip()
        ages: list[int] = pq.read_table(got)["age"].to_pylist()
        return ages
