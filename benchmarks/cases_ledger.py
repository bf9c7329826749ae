"""The cases of the ledger of reads: appending to it, asking and verifying it."""

from __future__ import annotations

import atexit
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.data_repo import PE_DVC
from benchmarks.ledger import fill
from benchmarks.measure import Case, Contender
from tests.support.paths import ROOT
from tests.support.postgres_server import new_server

if TYPE_CHECKING:
    from benchmarks.environment import BenchEnvironment

RUN = (sys.executable, "-m", "benchmarks.ledger")
APPENDED, ASKED = 20_000, 1_000_000


def append(bench: BenchEnvironment) -> Case:
    key = bench.home / "gateway.pem"
    file = bench.home / "ledger.db"
    servers = ExitStack()
    server = servers.enter_context(new_server())
    atexit.register(servers.close)
    places = {"SQLite": str(file)} | ({"PostgreSQL": server.new_database()} if server else {})

    def reset() -> None:
        for path in bench.home.glob("ledger.db*"):
            path.unlink()

    work = [*RUN, "append"]
    return Case(
        name="ledger-append",
        work=f"{APPENDED:,} reads by 200 readers, each waiting for its entry",
        resets="the SQLite file; PostgreSQL goes on",
        contenders=[
            Contender(
                name=name, command=[*work, place, str(key), str(APPENDED)], reset=reset, cwd=ROOT
            )
            for name, place in places.items()
        ],
        skipped=[] if server else ["PostgreSQL: it is not installed"],
    )


def ask(bench: BenchEnvironment) -> Case:
    key, place = bench.home / "asked.pem", str(bench.home / "asked.db")
    fill(place, key, ASKED)
    asked = {
        "audit verify": ["verify", "--key", str(key)],
        "audit report --csv": ["report", "--csv"],
        "audit report --by raw-source": ["report", "--by", "raw-source"],
        "audit report --person": ["report", "--person", "person-7@example.org"],
    }
    return Case(
        name="ledger-ask",
        work=f"a ledger of {ASKED:,} reads in SQLite",
        resets="nothing",
        contenders=[
            Contender(
                name=name,
                command=[PE_DVC, "audit", *words, "--ledger", place],
                reset=lambda: None,
                cwd=ROOT,
            )
            for name, words in asked.items()
        ]
        + [
            Contender(
                name="proof of one entry",
                command=[*RUN, "prove", place, str(key), str(ASKED // 3)],
                reset=lambda: None,
                cwd=ROOT,
            )
        ],
    )
