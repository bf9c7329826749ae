"""``python -m benchmarks.walk``: how far a reader of the code walks to follow one command.

Four commands run once each, in a small data repo beside a bucket that is a directory: ``get`` of
``@latest`` for the first time, the first ``push`` of one dataset, ``channel promote``, ``release
create``. Counted by ``sys.setprofile``, from the command line's entry to its end, on every thread:

- files: of pe_dvc, in which at least one function was entered
- functions: of pe_dvc, entered at least once
- moves: times that a function was entered which stands in another file than the function entered
  before it, on the same thread

Bodies of modules and classes, which run when something is imported, count for nothing. Only the
command line is used, so that this file also runs when copied into an older checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from importlib.util import find_spec
from inspect import CO_OPTIMIZED
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType, FrameType

BIN = Path(sys.executable).parent

_PIPELINE = """\
stages:
  build:
    cmd: python build.py
    deps: [build.py]
    outs: [data/cps.parquet]
  manifests:
    cmd: pe-dvc manifest write
    deps: [data/cps.parquet]
    outs:
      - manifests: {cache: false, persist: true}
  channel:
    cmd: pe-dvc channel update latest
    deps: [manifests]
artifacts:
  cps:
    path: data/cps.parquet
    type: dataset
    meta:
      pe:
        entities: {household: {key: household_id}}
        weight: household_weight
        vintage: random
"""

_BUILD = """\
import os, pyarrow, pyarrow.parquet
os.makedirs("data", exist_ok=True)
table = pyarrow.table({"household_id": range(1000), "household_weight": [1.0] * 1000})
pyarrow.parquet.write_table(table, "data/cps.parquet")
"""

_PROJECT = """\
[tool.pe_dvc]
country = "us"

[tool.pe_dvc.release]
data_package = "cps-data"
repo_id = "example/cps-data"
repo_type = "dataset"
default_datasets = {national = "cps"}
"""


class Walk:
    """The functions of pe_dvc that are entered, and how often the way leads to another file."""

    def __init__(self) -> None:
        spec = find_spec("pe_dvc")
        assert spec is not None
        assert spec.origin is not None
        self._package = str(Path(spec.origin).parent) + os.sep
        self._last: dict[int, str] = {}
        self.functions: set[CodeType] = set()
        self.moves = 0

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """Take note of a call; for ``sys.setprofile``."""
        code = frame.f_code
        file = code.co_filename
        if event != "call" or not code.co_flags & CO_OPTIMIZED:
            return
        if not file.startswith(self._package):
            return
        self.functions.add(code)
        thread = threading.get_ident()
        self.moves += self._last.get(thread, file) != file
        self._last[thread] = file

    def to_json(self) -> dict[str, int]:
        """Return the three counts."""
        files = {code.co_filename for code in self.functions}
        return {"files": len(files), "functions": len(self.functions), "moves": self.moves}


class Country:
    """A data repo of one small dataset below ``home``, its bucket, and a reader."""

    def __init__(self, home: Path) -> None:
        self.home, self.repo, self.reader = home, home / "repo", home / "reader"
        self.environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(home / "site"),
            "PE_DVC_STORE": str(home / "bucket"),
            **{
                f"PE_DVC_{name}_DIR": str(home / name.lower())
                for name in ("KEYS", "CONFIG", "CACHE", "STATE")
            },
        }
        for who in ("AUTHOR", "COMMITTER"):
            self.environment[f"GIT_{who}_NAME"] = "Bench"
            self.environment[f"GIT_{who}_EMAIL"] = "bench@example.org"

    def build(self) -> None:
        """Make and commit everything; the bucket stays empty."""
        self.repo.mkdir()
        self.reader.mkdir()
        files = {"dvc.yaml": _PIPELINE, "build.py": _BUILD, "pyproject.toml": _PROJECT}
        for name, text in files.items():
            (self.repo / name).write_text(text)
        self.run("git", "init", "--quiet")
        self.run("dvc", "init", "--quiet")
        self.run("dvc", "remote", "add", "--default", "bucket", str(self.home / "bucket/us"))
        self.run("pe-dvc", "channel", "init", "--country", "us")
        self.run("pe-dvc", "trust", "add", "us", "channels/us/root.json")
        self.run("dvc", "repro", "--quiet")
        self.commit()

    def commit(self) -> None:
        """Commit all that changed."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "Build")

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command in the repo and return what it printed."""
        done = subprocess.run(
            command,
            cwd=cwd or self.repo,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def walk(self, *arguments: str, cwd: Path | None = None) -> dict[str, int]:
        """Run ``pe-dvc`` with these arguments in a process of its own and count its way."""
        counts = self.home / "counts.json"
        itself = str(Path(__file__).resolve())
        self.run(sys.executable, "-P", itself, "--of", str(counts), "--", *arguments, cwd=cwd)
        result: dict[str, int] = json.loads(counts.read_text())
        return result


def measure(home: Path) -> dict[str, dict[str, int]]:
    """Return the counts of each command."""
    country = Country(home)
    country.build()
    push = country.walk("push")
    fetch = country.walk("get", "us/cps@latest", cwd=country.reader)
    promote = country.walk("channel", "promote", "latest", "next")
    country.commit()
    country.run("pe-dvc", "push")
    country.run("git", "tag", "1.0.0")
    release = country.walk("release", "create", "1.0.0")
    return {"fetch": fetch, "push": push, "channel promote": promote, "release create": release}


def _walk_one(arguments: list[str], counts: Path) -> None:
    from pe_dvc.cli.main import cli

    walk = Walk()
    threading.setprofile(walk.profile)
    sys.setprofile(walk.profile)
    try:
        cli(arguments, standalone_mode=False)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    counts.write_text(json.dumps(walk.to_json()))


def _print_table(results: dict[str, Any]) -> None:
    columns = ("files", "functions", "moves")
    print(f"{'':16}" + "".join(f"{name:>11}" for name in columns))
    for command, counts in results.items():
        print(f"{command:16}" + "".join(f"{counts[name]:11}" for name in columns))


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walk", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.of:
        _walk_one(options.arguments, options.of)
        return
    with tempfile.TemporaryDirectory(prefix="pe-dvc-walk-") as home:
        results = measure(Path(home).resolve())
    print(json.dumps(results, indent=2)) if options.json else _print_table(results)


if __name__ == "__main__":
    main()
