"""What the cases share: the repos and files to measure with, and the contenders' commands."""

from __future__ import annotations

import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cold_directory import set_aside
from benchmarks.data_repo import DataRepo
from benchmarks.directory_repo import DirectoryRepo
from benchmarks.measure import MIB, Contender
from benchmarks.s3_server import BUCKET
from benchmarks.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.s3_server import S3Server

LARGE = 256 * MIB
MANY, SMALL = 1000, 200_000
MEMBERS, MEMBER_SIZE = 10_000, 1000
HASHED = 1024 * MIB
RAW = "raw"
"""Prefix of what the clients upload that know nothing of DVC."""

COLD = "pe_dvc's cache and state, the clone's workspace, .dvc/cache, .dvc/tmp, DVC's site cache"
"""What ``BenchEnvironment.cold`` resets, for people."""


class BenchEnvironment:
    """What the cases share, made when the first one needs it: repos, tools, files."""

    def __init__(self, home: Path, server: S3Server, *, members: int) -> None:
        self.home, self.server, self.members = home, server, members
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
    def directory(self) -> DirectoryRepo:
        print(f"Building a directory of {self.members} files …", file=sys.stderr)
        endpoint = self.server.endpoint
        repo = DirectoryRepo(self.home / "dir", endpoint, count=self.members, size=MEMBER_SIZE)
        repo.build()
        return repo

    @cached_property
    def hashed(self) -> Path:
        path = self.home / "hashed.bin"
        with path.open("wb") as file:
            for _ in range(HASHED // MIB):
                file.write(b"\xa5" * MIB)
        return path

    def cold(self, repo: DataRepo) -> Callable[[], None]:
        """Return what makes readers of a repo start anew: no caches, an empty directory."""

        def reset() -> None:
            repo.clear_caches()
            set_aside(self.out, self.home / "aside")
            self.out.mkdir()

        return reset

    def stock(self, repo: DataRepo) -> None:
        """Fill the bucket as a maintainer leaves it, and with the bare files for the others."""
        self.server.clear()
        repo.unpublish()
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


def pooch(bench: BenchEnvironment, key: str, sha256: str) -> list[tuple[str, list[str]]]:
    """One stream over plain HTTP, then sha256: what many projects fetch their data with."""
    url = f"{bench.server.endpoint}/{BUCKET}/{key}"
    program = f"import pooch; pooch.retrieve({url!r}, {sha256!r}, path={str(bench.out)!r})"
    return [("pooch", [bench.tools.python, "-c", program])] if bench.tools.python else []


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
