"""The cases: what is compared with what, and what is made cold before each run."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cases_reading import columns, first_byte, memory
from benchmarks.data_repo import COUNTRY, DVC, PE_DVC, DataRepo
from benchmarks.measure import MIB, Case, Contender
from benchmarks.retire import retire
from benchmarks.s3_server import BUCKET
from benchmarks.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.s3_server import S3Server

LARGE = 256 * MIB
MANY, SMALL = 1000, 200_000
HASHED = 1024 * MIB
RAW = "raw"
"""Prefix of what the clients upload that know nothing of DVC."""


class Workshop:
    """What the cases share, made when the first one needs it: repos, tools, files."""

    def __init__(self, home: Path, server: S3Server) -> None:
        self.home, self.server = home, server
        self.out = home / "out"
        self.checkout = Path(__file__).resolve().parent.parent

    @cached_property
    def tools(self) -> Tools:
        return Tools()

    @cached_property
    def large(self) -> DataRepo:
        return self._repo("large", 1, LARGE)

    @cached_property
    def many(self) -> DataRepo:
        return self._repo("many", MANY, SMALL)

    @cached_property
    def hashed(self) -> Path:
        path = self.home / "hashed.bin"
        with path.open("wb") as file:
            for _ in range(HASHED // MIB):
                file.write(b"\xa5" * MIB)
        return path

    def fresh_out(self) -> None:
        retire(self.out, self.home / "retired")
        self.out.mkdir()

    def stock(self, repo: DataRepo) -> None:
        """Fill the bucket as a maintainer leaves it, and with the bare files for the others."""
        self.server.clear()
        repo.publish()
        command = client("obstore_up_many", str(repo.data), RAW)
        environment = {**repo.environment, **self.server.environment}
        subprocess.run(command, cwd=repo.root, env=environment, check=True)

    def _repo(self, name: str, count: int, size: int) -> DataRepo:
        print(f"Building a data repo of {count} datasets …", file=sys.stderr)
        repo = DataRepo(self.home / name, self.server.endpoint, count=count, size=size)
        repo.build()
        return repo


def client(function: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.clients", function, *arguments]


def s5cmd(tools: Tools, *arguments: str) -> list[tuple[str, list[str]]]:
    return [("s5cmd, unverified", [tools.s5cmd, *arguments])] if tools.s5cmd else []


def aws(tools: Tools, *arguments: str) -> list[tuple[str, list[str]]]:
    return [("aws s3 cp, unverified", [tools.aws, "s3", "cp", *arguments])] if tools.aws else []


def pooch(shop: Workshop, key: str, sha256: str) -> list[tuple[str, list[str]]]:
    """One stream over plain HTTP, then sha256: what many projects fetch their data with."""
    url = f"{shop.server.endpoint}/{BUCKET}/{key}"
    program = f"import pooch; pooch.retrieve({url!r}, {sha256!r}, path={str(shop.out)!r})"
    return [("pooch", [shop.tools.python, "-c", program])] if shop.tools.python else []


def contenders(
    repo: DataRepo, reset: Callable[[], None], commands: Sequence[tuple[str, list[str]]]
) -> list[Contender]:
    """Commands after one reset: DVC's pull runs in the clone, a push in the repo, all else away
    from both, where pe_dvc finds no DVC cache to take the bytes from.
    """
    places = {"pull": repo.clone, "push": repo.root}
    return [
        Contender(
            name=name,
            command=command,
            reset=reset,
            cwd=places.get(command[1], repo.elsewhere),
            environment=repo.environment,
        )
        for name, command in commands
    ]


def push_large(shop: Workshop) -> Case:
    repo = shop.large
    source = str(repo.path)

    def reset() -> None:
        shop.server.clear()
        repo.clear_remote_index()

    commands = [
        ("dvc push", [DVC, "push"]),
        ("pe-dvc push", [PE_DVC, "push"]),
        ("boto3 tuned", client("boto3_up", source, "large")),
        *s5cmd(shop.tools, "cp", source, f"s3://{BUCKET}/large"),
        ("obstore, no digest", client("obstore_up", source, "large")),
        *aws(shop.tools, "--quiet", source, f"s3://{BUCKET}/large"),
    ]
    return Case(
        name="push-large",
        work="one parquet file of 256 MiB to S3",
        resets="the bucket, DVC's index of the remote",
        contenders=contenders(repo, reset, commands),
        skipped=shop.tools.skipped,
    )


def push_many(shop: Workshop) -> Case:
    repo = shop.many
    folder = str(repo.data)

    def reset() -> None:
        shop.server.clear()
        repo.clear_remote_index()

    commands = [
        ("dvc push", [DVC, "push"]),
        ("pe-dvc push", [PE_DVC, "push"]),
        ("boto3, 16 threads", client("boto3_up_many", folder, RAW)),
        *s5cmd(shop.tools, "cp", f"{folder}/", f"s3://{BUCKET}/{RAW}/"),
        ("obstore, 16 threads", client("obstore_up_many", folder, RAW)),
    ]
    return Case(
        name="push-many",
        work="1,000 parquet files of 200 KB to S3 (pe-dvc: and 1,000 manifests and chunk lists)",
        resets="the bucket, DVC's index of the remote",
        contenders=contenders(repo, reset, commands),
        skipped=shop.tools.skipped,
    )


COLD = "pe_dvc's cache and state, the clone's workspace, .dvc/cache, .dvc/tmp, DVC's site cache"


def get_large(shop: Workshop) -> Case:
    repo = shop.large
    shop.stock(repo)
    key, target = f"{RAW}/{repo.path.name}", str(shop.out / "file")
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
        *s5cmd(shop.tools, "cp", address, target),
        ("s3fs, unverified", client("s3fs_down", key, target)),
        *pooch(shop, key, artifact["sha256"]),
        ("obstore, unverified", client("obstore_down", key, target)),
        ("obstore with sha256", client("obstore_down_sha256", key, target)),
        *aws(shop.tools, "--quiet", address, target),
    ]
    return Case(
        name="get-large",
        work="one parquet file of 256 MiB from S3 to a file",
        resets=COLD,
        contenders=contenders(repo, cold(shop, repo), commands),
        skipped=shop.tools.skipped,
    )


def get_many(shop: Workshop) -> Case:
    repo = shop.many
    shop.stock(repo)
    references = repo.home / "references"
    references.write_text("\n".join(f"{COUNTRY}/{name}@latest" for name in repo.names))
    out = str(shop.out)
    commands = [
        ("dvc pull, unverified", [DVC, "pull", "data"]),
        ("dvc pull, verify = true", [DVC, "pull", "--remote", "verified", "data"]),
        ("pe_dvc, 16 threads", client("pe_dvc_get_many", str(references))),
        ("boto3, 16 threads, sha256", client("boto3_down_many_sha256", RAW, out)),
        *s5cmd(shop.tools, "cp", f"s3://{BUCKET}/{RAW}/*", f"{out}/"),
        ("obstore, 16 threads, sha256", client("obstore_down_many_sha256", RAW, out)),
    ]
    return Case(
        name="get-many",
        work="1,000 parquet files of 200 KB from S3 to files (pe_dvc: and their manifests)",
        resets=COLD,
        contenders=contenders(repo, cold(shop, repo), commands),
        skipped=shop.tools.skipped,
    )


def pull_large(shop: Workshop) -> Case:
    return _pull(shop, shop.large, "pull-large", "one parquet file of 256 MiB")


def pull_many(shop: Workshop) -> Case:
    return _pull(shop, shop.many, "pull-many", "1,000 parquet files of 200 KB")


def _pull(shop: Workshop, repo: DataRepo, name: str, what: str) -> Case:
    shop.stock(repo)
    out = str(shop.out)
    commands = [
        ("dvc pull, unverified", [DVC, "pull", "data"]),
        ("dvc pull, verify = true", [DVC, "pull", "--remote", "verified", "data"]),
        ("pe-dvc pull", [PE_DVC, "pull"]),
        *s5cmd(shop.tools, "cp", f"s3://{BUCKET}/{RAW}/*", f"{out}/"),
        ("obstore, 16 threads, sha256", client("obstore_down_many_sha256", RAW, out)),
    ]
    return Case(
        name=name,
        work=f"{what} from S3 into a clone (s5cmd, obstore: to files, written once)",
        resets=COLD,
        contenders=contenders(repo, cold(shop, repo), commands),
        skipped=shop.tools.skipped,
    )


def cold(shop: Workshop, repo: DataRepo) -> Callable[[], None]:
    def reset() -> None:
        repo.clear_caches()
        shop.fresh_out()

    return reset


def show(shop: Workshop) -> Case:
    repo = shop.large
    shop.stock(repo)
    key, target = f"{RAW}/{repo.path.name}", str(shop.out / "file")
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
        contenders=contenders(repo, cold(shop, repo), commands),
    )


def startup(shop: Workshop) -> Case:
    repo = shop.large
    shop.stock(repo)
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


def hashing(shop: Workshop) -> Case:
    path = str(shop.hashed)
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
            Contender(name=name, command=command, reset=lambda: None, cwd=shop.checkout)
            for name, command in commands
        ],
    )


CASES: dict[str, Callable[[Workshop], Case]] = {
    "push-large": push_large,
    "get-large": get_large,
    "push-many": push_many,
    "get-many": get_many,
    "pull-large": pull_large,
    "pull-many": pull_many,
    "columns": columns,
    "first-byte": first_byte,
    "memory": memory,
    "show": show,
    "startup": startup,
    "hash": hashing,
}
