"""A mirror filled from S3 into a directory, beside tools that copy buckets and verify no sha256."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from benchmarks.cold_directory import set_aside
from benchmarks.data_repo import PE_DVC, DataRepo
from benchmarks.environment import RAW
from benchmarks.measure import Case, Contender
from benchmarks.s3_server import BUCKET

if TYPE_CHECKING:
    from benchmarks.environment import BenchEnvironment


def mirror_large(bench: BenchEnvironment) -> Case:
    return _mirror(bench, bench.large, "mirror-large", "one parquet file of 256 MiB")


def mirror_many(bench: BenchEnvironment) -> Case:
    return _mirror(bench, bench.many, "mirror-many", "1,000 parquet files of 200 KB")


def _mirror(bench: BenchEnvironment, repo: DataRepo, name: str, work: str) -> Case:
    bench.stock(repo)
    copy = bench.home / f"{name}-copy"
    settings = repo.root / "pyproject.toml"
    table = f'\n[tool.pe_dvc.mirrors.copy]\nurl = "{copy}"\n'
    if table not in settings.read_text():
        settings.write_text(settings.read_text() + table)
    skipped = [*bench.tools.skipped]
    commands = [("pe-dvc mirror sync, verified", [PE_DVC, "mirror", "sync"])]
    if rclone := shutil.which("rclone"):
        remote = f":s3,provider=Other,env_auth=true,endpoint='{bench.server.endpoint}':"
        source = f"{remote}{BUCKET}/{RAW}"
        # rclone cannot load the bundle, and the server speaks HTTP.
        plain = ["env", "-u", "AWS_CA_BUNDLE", rclone, "sync", "--transfers", "32"]
        commands.append(("rclone sync", [*plain, source, str(copy)]))
    else:
        skipped.append("rclone: it is not installed (Debian's package rclone)")
    if bench.tools.aws:
        command = [bench.tools.aws, "s3", "sync", "--quiet", f"s3://{BUCKET}/{RAW}", str(copy)]
        commands.append(("aws s3 sync", command))
    environment = {**os.environ, **repo.environment, **bench.server.environment}
    return Case(
        name=name,
        work=f"{work} from S3 to a directory (pe-dvc: and manifests, chunk lists, metadata)",
        resets="the directory",
        contenders=[
            Contender(
                name=title,
                command=command,
                reset=lambda: set_aside(copy, bench.home / "aside"),
                cwd=repo.root,
                environment=environment,
            )
            for title, command in commands
        ],
        skipped=skipped,
    )
