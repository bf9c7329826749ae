"""``python -m benchmarks.growth``: what commands cost against the number of datasets, fitted.

Repos of so many tiny datasets, each with a manifest, on the benchmark's server; once with the
channel in one file and once in bins. Each command runs once, as a whole process, in a repo that
was laid out by hand: real git, real channels, files as DVC leaves them. Requests and bytes are
counted by the server, CPU is that of the process. The exponent is the slope of a line through the
logarithms, by least squares: 0 is constant, 0.5 a square root, 1 linear.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.data_repo import PE_DVC, environment_of
from benchmarks.growth_report import Cost, report
from benchmarks.measure import Contender, as_users_run, run_once
from benchmarks.report import machine
from benchmarks.s3_server import BUCKET, S3Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COUNTS = (100, 1_000, 10_000)
WORKS = (
    "resolve, new reader",
    "resolve, unchanged",
    "resolve, after a change",
    "push of one change",
    "channel log",
    "gc",
    "release create",
)

_PROJECT = """\
[tool.pe_dvc]
country = "us"

[tool.pe_dvc.release]
data_package = "growth-data"
repo_id = "example/growth-data"
repo_type = "dataset"
default_datasets = {national = "d00000"}
"""
_BINS = "\n[tool.pe_dvc.channel]\nbins = true\n"
_DVC_CONFIG = """\
[core]
    remote = bench
['remote "bench"']
    url = s3://{bucket}/us
    endpointurl = {endpoint}
"""
_ARTIFACT = """\
  {name}:
    path: data/{name}.parquet
    type: dataset
    meta: {{pe: {{country: us, entities: {{tax_unit: {{key: RECID}}}}, vintage: random}}}}
"""
_DVC_FILE = "outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {name}.parquet\n"


class Growth:
    """A repo of ``count`` datasets in ``home``, and what is measured in it."""

    def __init__(self, home: Path, server: S3Server, count: int) -> None:
        self.home, self.server, self.count = home, server, count
        self.root, self.elsewhere = home / "repo", home / "elsewhere"
        self.environment = {**environment_of(home, server.endpoint), **_WHO}

    def lay_out(self) -> None:
        """Make, sign, commit and publish it all, with the channel in one file."""
        (self.root / ".dvc").mkdir(parents=True)
        self.elsewhere.mkdir()
        config = _DVC_CONFIG.format(bucket=BUCKET, endpoint=self.server.endpoint)
        (self.root / ".dvc/config").write_text(config)
        (self.root / ".gitignore").write_text("/data/*.parquet\n/.dvc/cache\n/.dvc/tmp\n")
        (self.root / "pyproject.toml").write_text(_PROJECT)
        names = [name_of(number) for number in range(self.count)]
        artifacts = "".join(_ARTIFACT.format(name=name) for name in names)
        (self.root / "dvc.yaml").write_text(f"artifacts:\n{artifacts}")
        self.run("git", "init", "--quiet")
        self.run(PE_DVC, "channel", "init", "--country", "us")
        self.run(PE_DVC, "trust", "add", "us", "channels/us/root.json")
        self.run(sys.executable, "-m", "benchmarks.growth", "--write", f"0-{self.count}")
        self.publish()

    def change(self, number: int) -> None:
        """Build one dataset anew, and commit it; what is left is the push."""
        self.run(sys.executable, "-m", "benchmarks.growth", "--write", f"{number}")
        self.run(PE_DVC, "channel", "update", "latest")
        self.commit()

    def publish(self) -> None:
        self.run(PE_DVC, "channel", "update", "latest")
        self.commit()
        self.run(PE_DVC, "push")
        self.commit()

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "Build")

    def into_bins(self) -> None:
        with (self.root / "pyproject.toml").open("a") as file:
            file.write(_BINS)
        self.publish()

    def measure(self, form: str, tag: str, works: Sequence[str]) -> list[Cost]:
        """Run each of ``works`` once; ``form`` is how the channel lies in the bucket."""
        reference = f"us/{name_of(0)}@latest"
        show = [PE_DVC, "show", "--json", reference]
        self.change(2 if form == "bins" else 1)
        commands: dict[str, tuple[Sequence[str], Path, Callable[[], object]]] = {
            "push of one change": ([PE_DVC, "push"], self.root, lambda: None),
            "resolve, new reader": (show, self.elsewhere, self._forget),
            "resolve, unchanged": (show, self.elsewhere, lambda: None),
            "resolve, after a change": (show, self.elsewhere, lambda: self._push(form)),
            "channel log": ([PE_DVC, "channel", "log", "latest"], self.root, lambda: None),
            "gc": ([PE_DVC, "gc"], self.root, self.commit),
            "release create": (
                [PE_DVC, "release", "create", "--from-latest", tag],
                self.root,
                lambda: self.run("git", "tag", tag),
            ),
        }
        found = []
        for work, (command, place, prepare) in commands.items():
            if work in works:
                prepare()
                found.append(self._cost(work, form, command, place))
        return found

    def _cost(self, work: str, form: str, command: Sequence[str], place: Path) -> Cost:
        print(f"{self.count} datasets, {form}: {work} …", file=sys.stderr)
        contender = Contender(
            name=work,
            command=command,
            reset=lambda: None,
            cwd=place,
            environment=self.environment,
        )
        run = run_once(contender, self.server, self.home / "log")
        moved = run.counts.received + run.counts.sent
        return Cost(work, form, self.count, run.counts.total, moved, round(run.cpu, 3))

    def _forget(self) -> None:
        for name in ("pe-cache", "pe-state"):
            shutil.rmtree(self.home / name, ignore_errors=True)

    def _push(self, form: str) -> None:
        """Let another dataset than the reader's change."""
        self.change(4 if form == "bins" else 3)
        self.run(PE_DVC, "push")

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**as_users_run(), **self.server.environment, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


_WHO = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Bench"), ("EMAIL", "bench@example.org"))
}


def name_of(number: int) -> str:
    return f"d{number:05d}"


def write(numbers: Sequence[int]) -> None:
    """Write datasets into the repo that this runs in, as DVC and ``pe-dvc manifest write`` do.

    One that is there becomes another. In a process of its own, which may load what manifests need.
    """
    from pe_dvc.documents.manifest import Manifest

    for number in numbers:
        name = name_of(number)
        manifest = Path("manifests") / f"{name}.json"
        payload = f"{name} {'again' if manifest.exists() else ''}".encode()
        md5 = hashlib.md5(payload, usedforsecurity=False).hexdigest()
        cached = Path(".dvc/cache/files/md5") / md5[:2] / md5[2:]
        for path in (manifest, cached, Path("data") / name):
            path.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(payload)
        (Path("data") / f"{name}.parquet").write_bytes(payload)
        dvc_file = _DVC_FILE.format(md5=md5, size=len(payload), name=name)
        (Path("data") / f"{name}.parquet.dvc").write_text(dvc_file)
        document = json.dumps(_manifest(name, payload, md5))
        manifest.write_bytes(Manifest.model_validate_json(document).to_bytes())


def _manifest(name: str, payload: bytes, md5: str) -> dict[str, Any]:
    sha256 = hashlib.sha256(payload)
    columns = [{"name": "RECID", "type": "int64"}]
    table = {"name": "tax_unit", "rows": 2, "entity": "tax_unit", "columns": columns}
    return {
        "schema_version": 1,
        "artifact": {
            "country": "us",
            "name": name,
            "path": f"data/{name}.parquet",
            "kind": "microdata",
            "media_type": "application/vnd.apache.parquet",
            "sha256": sha256.hexdigest(),
            "size": len(payload),
            "dvc": {"hash": "md5", "md5": md5},
            "chunks": {"size": 1 << 20, "sha256": hashlib.sha256(sha256.digest()).hexdigest()},
        },
        "table": {
            "format": "parquet",
            "tables": [table],
            "entities": {"tax_unit": {"key": "RECID"}},
        },
        "inputs": {"data_vintage": "random"},
        "build": {"git_dirty": False, "built_at": "2026-04-20T12:00:00Z", "built_in": "local"},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--works", nargs="+", choices=WORKS, default=WORKS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--write", metavar="NUMBERS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        first, _, end = arguments.write.partition("-")
        write(range(int(first), int(end) if end else int(first) + 1))
        return
    costs: list[Cost] = []
    for count in arguments.counts:
        with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as home, S3Server() as server:
            growth = Growth(Path(home), server, count)
            growth.lay_out()
            costs += growth.measure("one file", "1.0.0", arguments.works)
            growth.run("git", "reset", "--quiet", "--hard")  # no release: it would be pushed
            growth.into_bins()
            costs += growth.measure("bins", "2.0.0", arguments.works)
    print(report(costs))
    if arguments.json:
        document = {"machine": machine(), "costs": [asdict(cost) for cost in costs]}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
