"""Data repos to measure with: real git, real DVC, real manifests, on the benchmark's server.

Run as a program it makes one dataset or many, in a process of its own, so that the harness
never loads pyarrow: ``python -m benchmarks.data_repo FOLDER COUNT BYTES``.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cold_directory import set_aside
from benchmarks.measure import as_users_run
from benchmarks.s3_server import BUCKET

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNTRY = "us"
BIN = Path(sys.executable).parent
PE_DVC = str(BIN / "pe-dvc")
DVC = str(BIN / "dvc")

_DATASET = """\
  {name}:
    path: {path}
    type: dataset
    meta:
      pe:
        country: us
        rows: tax_unit
        entities:
          tax_unit: {{key: tax_unit_id}}
        weight: household_weight
        vintage: random
"""

_PIPELINE = """\
stages:
  build:
    cmd: {build}
    outs:
      - data
  manifests:
    cmd: pe-dvc manifest write
    deps: [data]
    outs:
      - manifests: {{cache: false, persist: true}}
  channel:
    cmd: pe-dvc channel update latest
    deps: [manifests]
artifacts:
"""

_PROJECT = """\
[project]
name = "bench"
version = "1.0.0"

[tool.pe_dvc]
country = "us"
"""


class DataRepo:
    """A repo of ``count`` parquet files of about ``size`` bytes, built, signed and committed.

    ``home`` holds the repo, a clone of it, a directory ``elsewhere`` that is in neither, and
    every cache and configuration of their users. ``writer`` is the program that writes the files.
    """

    writer = "benchmarks.data_repo"

    def __init__(self, home: Path, endpoint: str, *, count: int, size: int) -> None:
        self.home, self.root, self.clone = home, home / "repo", home / "clone"
        self.elsewhere = home / "elsewhere"
        self.count, self.size = count, size
        self.data = self.root / "data"
        self.environment = environment_of(home, endpoint)

    @property
    def names(self) -> list[str]:
        return [path.stem for path in sorted(self.data.iterdir())]

    @property
    def path(self) -> Path:
        """The first dataset: the only one of a repo of one."""
        return min(self.data.iterdir())

    def build(self) -> None:
        """Make everything up to the commit; the bucket stays empty."""
        self.root.mkdir(parents=True)
        self.elsewhere.mkdir()
        (self.home / "gitconfig").write_text(
            "[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n"
        )
        self._run("git", "init", "--quiet")
        self._run(DVC, "init", "--quiet")
        self._add_remotes()
        writer = [sys.executable, "-m", self.writer]
        build = shlex.join([*writer, "data", str(self.count), str(self.size)])
        pipeline = _PIPELINE.format(build=json.dumps(build))
        (self.root / "dvc.yaml").write_text(pipeline + self.declarations())
        (self.root / "pyproject.toml").write_text(_PROJECT)
        self._run(PE_DVC, "channel", "init", "--country", COUNTRY)
        self._run(DVC, "repro", "--quiet")
        self._run("git", "add", "--all")
        self._run("git", "commit", "--quiet", "--message", "Build")
        self._run(PE_DVC, "trust", "add", COUNTRY, f"channels/{COUNTRY}/root.json")
        self._run("git", "clone", "--quiet", str(self.root), str(self.clone))

    def declarations(self) -> str:
        """What ``artifacts:`` of dvc.yaml says of the datasets."""
        names = [f"d{number:04d}" for number in range(self.count)]
        return "".join(_DATASET.format(name=n, path=f"data/{n}.parquet") for n in names)

    def publish(self) -> None:
        self._run(PE_DVC, "push")

    def clear_caches(self) -> None:
        """Forget what a first download would not have: the caches of pe_dvc, DVC and the clone."""
        for path in (
            *(self.home / "pe-cache", self.home / "pe-state", self.home / "site"),
            *(self.clone / ".dvc/cache", self.clone / ".dvc/tmp", self.clone / "data"),
        ):
            set_aside(path, self.home / "aside")

    def unpublish(self) -> None:
        """Forget that anything was published, as the bucket is empty now.

        That is what DVC believes to be in its remote, its hashes of local files stay, and what the
        clone noted for new readers, by which a push refuses a bucket that was lost.
        """
        for path in (self.home / "site").glob("**/index"):
            shutil.rmtree(path)
        shutil.rmtree(self.root / f"channels/{COUNTRY}/seen", ignore_errors=True)

    def _add_remotes(self) -> None:
        endpoint = self.environment["AWS_ENDPOINT_URL"]
        for name, default in (("policyengine", ["--default"]), ("verified", [])):
            self._run(
                *(DVC, "remote", "add", "--quiet", *default, name, f"s3://{BUCKET}/{COUNTRY}")
            )
            self._run(DVC, "remote", "modify", "--quiet", name, "endpointurl", endpoint)
        self._run(DVC, "remote", "modify", "--quiet", "verified", "verify", "true")

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**as_users_run(), **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


def environment_of(home: Path, endpoint: str) -> Mapping[str, str]:
    """Return the variables of everybody who works in ``home``."""
    return {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "PE_DVC_STORE": f"s3://{BUCKET}",
        "PE_DVC_KEYS_DIR": str(home / "keys"),
        "PE_DVC_CONFIG_DIR": str(home / "pe-config"),
        "PE_DVC_CACHE_DIR": str(home / "pe-cache"),
        "PE_DVC_STATE_DIR": str(home / "pe-state"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def write_datasets(folder: Path, count: int, size: int) -> None:
    """Write parquet files of random doubles: the same bytes each time, which do not compress."""
    import numpy
    import pyarrow
    import pyarrow.parquet

    folder.mkdir(exist_ok=True)
    columns = 66 if size > 1 << 20 else 6
    rows = size // (8 * (columns + 2))
    for number in range(count):
        random = numpy.random.default_rng(number)
        table: dict[str, Any] = {f"c{column:02d}": random.random(rows) for column in range(columns)}
        table["tax_unit_id"] = numpy.arange(rows)
        table["household_weight"] = random.random(rows)
        pyarrow.parquet.write_table(
            pyarrow.table(table),
            folder / f"d{number:04d}.parquet",
            compression="NONE",
            use_dictionary=False,
        )


if __name__ == "__main__":
    write_datasets(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
