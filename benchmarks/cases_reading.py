"""Cases of reading: some columns of a file, and memory as files grow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.data_repo import COUNTRY, PE_DVC
from benchmarks.environment import COLD, RAW, client, contenders
from benchmarks.measure import MIB, Case, Contender

if TYPE_CHECKING:
    from benchmarks.environment import BenchEnvironment

COLUMNS = ("c10", "c30", "household_weight")
SIZES = (256, 1024, 4096)
"""In MiB."""


def columns(bench: BenchEnvironment) -> Case:
    """Three columns of 68, which lie apart: 12 of 256 MiB."""
    repo = bench.large
    bench.stock(repo)
    key, name = f"{RAW}/{repo.path.name}", repo.names[0]
    reference = f"{COUNTRY}/{name}@latest"
    manifest = json.loads((repo.root / f"manifests/{name}.json").read_text())
    target = str(bench.out / "file")
    size = str(manifest["artifact"]["size"])
    commands = [
        ("s3fs, unverified", client("columns_s3fs", key, *COLUMNS)),
        ("pyarrow S3FileSystem, unverified", client("columns_pyarrow", key, *COLUMNS)),
        ("pe-data://", client("columns_pe_data", reference, *COLUMNS)),
        ("pe-dvc get, to compare", [PE_DVC, "get", reference]),
        ("download, unpublished", client("pe_dvc_down", key, target, size)),
    ]
    return Case(
        name="columns",
        work="3 of 68 columns of a parquet file of 256 MiB in S3 (the last two: all of it)",
        resets=COLD,
        contenders=contenders(repo, bench.cold(repo), commands),
    )


def first_byte(bench: BenchEnvironment) -> Case:
    """A new process until it holds a byte of a file of 256 MiB."""
    repo = bench.large
    bench.stock(repo)
    key = f"{RAW}/{repo.path.name}"
    reference = f"{COUNTRY}/{repo.names[0]}@latest"
    commands = [
        ("s3fs, unverified", client("first_byte_s3fs", key)),
        ("boto3, unverified", client("first_byte_boto3", key)),
        ("pyarrow S3FileSystem, unverified", client("first_byte_pyarrow", key)),
        ("pe_dvc.open", client("first_byte_pe_data", reference)),
    ]
    return Case(
        name="first-byte",
        work="a new process to the first byte of a file of 256 MiB in S3",
        resets=COLD,
        contenders=contenders(repo, bench.cold(repo), commands),
    )


def memory(bench: BenchEnvironment) -> Case:
    """The store's transfers of files of zeros: look at the peak memory, not at the time."""
    ways = []
    for size in SIZES:
        source = bench.home / f"zeros-{size}"
        with source.open("wb") as file:
            file.truncate(size * MIB)
        key, target = f"{RAW}/zeros-{size}", str(bench.home / "zeros-out")
        ways.append((f"up {size} MiB", client("pe_dvc_up", str(source), key)))
        down = client("pe_dvc_down", key, target, str(size * MIB))
        ways.append((f"down {size} MiB", down))
    return Case(
        name="memory",
        work="files of zeros, up and down",
        resets="nothing",
        contenders=[
            Contender(name=name, command=command, reset=lambda: None, cwd=bench.checkout)
            for name, command in ways
        ],
    )
