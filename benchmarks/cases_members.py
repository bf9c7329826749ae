"""A dataset that is a directory of many small files: written, pushed, pulled, read."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.data_repo import DVC, PE_DVC
from benchmarks.directory_repo import REFERENCE
from benchmarks.environment import COLD, contenders
from benchmarks.measure import Case, Contender

if TYPE_CHECKING:
    from benchmarks.environment import BenchEnvironment

_WHAT = "a directory of {count:,} files of {size:,} bytes"


def push_members(bench: BenchEnvironment) -> Case:
    repo = bench.directory

    def reset() -> None:
        bench.server.clear()
        repo.unpublish()

    commands = [("dvc push", [DVC, "push"]), ("pe-dvc push", [PE_DVC, "push"])]
    return Case(
        name="push-members",
        work=f"{_WHAT.format(count=repo.count, size=repo.size)} to S3",
        resets="the bucket, what the clone and DVC know of it",
        contenders=contenders(repo, reset, commands),
    )


def pull_members(bench: BenchEnvironment) -> Case:
    repo = bench.directory
    bench.server.clear()
    repo.unpublish()
    repo.publish()
    commands = [
        ("dvc pull, unverified", [DVC, "pull", "data"]),
        ("pe-dvc pull", [PE_DVC, "pull"]),
        ("pe-dvc get -o DIR", [PE_DVC, "get", REFERENCE, "-o", str(bench.out / "all")]),
        ("pe-dvc get, one file", [PE_DVC, "get", f"{REFERENCE}/0000/0000007.bin"]),
    ]
    return Case(
        name="pull-members",
        work=f"{_WHAT.format(count=repo.count, size=repo.size)} from S3",
        resets=COLD,
        contenders=contenders(repo, bench.cold(repo), commands),
    )


def hash_members(bench: BenchEnvironment) -> Case:
    repo = bench.directory
    manifest = repo.root / "manifests/areas.json"
    known = repo.root / ".dvc/tmp/pe_dvc"
    written = manifest.read_bytes()

    def as_committed() -> None:
        manifest.write_bytes(written)

    def anew() -> None:
        shutil.rmtree(known, ignore_errors=True)
        manifest.unlink()

    def contender(name: str, command: list[str], reset: object = as_committed) -> Contender:
        assert callable(reset)
        return Contender(
            name=name,
            command=command,
            reset=reset,
            cwd=repo.root,
            environment=repo.environment,
        )

    return Case(
        name="hash-members",
        work=f"{_WHAT.format(count=repo.count, size=repo.size)} in the page cache",
        resets="as each row says",
        contenders=[
            contender("dvc status", [DVC, "status"]),
            contender("pe-dvc manifest write, new", [PE_DVC, "manifest", "write"], anew),
            contender("pe-dvc manifest write, unchanged", [PE_DVC, "manifest", "write"]),
            contender("pe-dvc verify", [PE_DVC, "verify"]),
        ],
    )
