"""A mirror filled from S3 into a directory, beside tools that copy buckets and verify no sha256."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.cold_directory import set_aside
from benchmarks.data_repo import PE_DVC, DataRepo
from benchmarks.environment import RAW
from benchmarks.measure import Case, Contender
from benchmarks.s3_objects import Objects
from benchmarks.s3_server import BUCKET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.environment import BenchEnvironment


MIRROR = "copy"
_TABLE = "\n[tool.pe_dvc.mirrors.copy]"


def mirror_large(bench: BenchEnvironment) -> Case:
    return _mirror(bench, bench.large, "mirror-large", "one parquet file of 256 MiB")


def mirror_many(bench: BenchEnvironment) -> Case:
    return _mirror(bench, bench.many, "mirror-many", "1,000 parquet files of 200 KB")


def mirror_again(bench: BenchEnvironment) -> Case:
    case = _mirror(bench, bench.many, "mirror-again", "1,000 files of 200 KB that are there")
    kept = [replace(one, reset=_nothing) for one in case.contenders]  # the warm-up fills them
    return replace(case, resets="nothing", contenders=kept)


def mirror_bucket(bench: BenchEnvironment) -> Case:
    """Both ends are on the server, so that requests are those of both. It copies nothing itself."""
    objects = Objects(bench.server.root)
    objects.create_bucket(MIRROR)

    def reset() -> None:
        for key in objects.keys(MIRROR, ""):
            objects.remove(MIRROR, key)

    work, url = "1,000 parquet files of 200 KB, both ends on the server,", f"s3://{MIRROR}"
    case = _mirror(bench, bench.many, "mirror-bucket", work, copies=[url] * 3)
    ours, *others = (replace(one, reset=reset) for one in case.contenders)
    rclone = [
        replace(one, command=[*one.command, "--disable", "copy"])
        for one in others
        if one.name.startswith("rclone")
    ]
    skipped = [*case.skipped, "aws: it has the server copy, which this server cannot"]
    return replace(case, resets="the mirror's bucket", contenders=[ours, *rclone], skipped=skipped)


def _nothing() -> None:
    pass


def _mirror(
    bench: BenchEnvironment,
    repo: DataRepo,
    name: str,
    work: str,
    copies: Sequence[str] = (),
) -> Case:
    """``copies`` is where each contender copies to: a directory of its own unless given."""
    bench.stock(repo)
    folder = bench.home / name
    ours, rclones, awss = copies or [str(folder / one) for one in ("pe-dvc", "rclone", "aws")]
    _declare(repo, ours)
    skipped = [*bench.tools.skipped]
    commands = [("pe-dvc mirror sync, verified", [PE_DVC, "mirror", "sync"])]
    if rclone := shutil.which("rclone"):
        remote = f":s3,provider=Other,env_auth=true,endpoint='{bench.server.endpoint}':"
        source, target = f"{remote}{BUCKET}/{RAW}", rclones.replace("s3://", remote)
        # rclone cannot load the bundle, and the server speaks HTTP.
        plain = ["env", "-u", "AWS_CA_BUNDLE", rclone, "sync", "--transfers", "32"]
        commands.append(("rclone sync", [*plain, source, target]))
    else:
        skipped.append("rclone: it is not installed (Debian's package rclone)")
    if bench.tools.aws:
        command = [bench.tools.aws, "s3", "sync", "--quiet", f"s3://{BUCKET}/{RAW}", awss]
        commands.append(("aws s3 sync", command))
    environment = {**os.environ, **repo.environment, **bench.server.environment}
    return Case(
        name=name,
        work=f"{work} from S3 to a mirror (pe-dvc: and manifests, sidecars, metadata)",
        resets="the mirror",
        contenders=[
            Contender(
                name=title,
                command=command,
                reset=lambda: set_aside(folder, bench.home / "aside"),
                cwd=repo.clone,
                environment=environment,
            )
            for title, command in commands
        ],
        skipped=skipped,
    )


def _declare(repo: DataRepo, url: str) -> None:
    """Declare one mirror in the clone: nothing is pushed from there, so none has to commit it."""
    settings = repo.clone / "pyproject.toml"
    rest = settings.read_text().partition(_TABLE)[0]
    settings.write_text(f'{rest}{_TABLE}\nurl = "{url}"\n')
