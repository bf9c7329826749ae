"""Whole processes, measured: interleaved rounds, one warm-up, medians."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.s3_server import S3Server
    from benchmarks.s3_traffic import Counts

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to do a case's work: a command, and what makes it start cold."""

    name: str
    command: Sequence[str]
    reset: Callable[[], None]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Case:
    """The same work done in several ways, ``contenders[0]`` being what ratios refer to."""

    name: str
    work: str
    resets: str
    contenders: Sequence[Contender]
    skipped: Sequence[str] = ()


@dataclass(frozen=True)
class Run:
    """One process: wall clock and CPU in seconds, peak memory in bytes, and what it requested."""

    seconds: float
    cpu: float
    rss: int
    counts: Counts


@dataclass
class Result:
    """All runs of one contender but the warm-up."""

    name: str
    runs: list[Run] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(run.seconds for run in self.runs)

    def to_json(self) -> dict[str, Any]:
        last = self.runs[-1].counts
        return {
            "name": self.name,
            "seconds": [round(run.seconds, 4) for run in self.runs],
            "median_s": round(self.median, 4),
            "cpu_s": round(median(run.cpu for run in self.runs), 4),
            "peak_rss_mib": round(max(run.rss for run in self.runs) / MIB, 1),
            "requests": {name: count for name, count in last.requests.items() if count},
            "bytes_received_by_server": last.received,
            "bytes_sent_by_server": last.sent,
        }


class FailedRun(Exception):  # noqa: N818 - says what happened, as an outcome
    """A contender exited with an error: there is nothing to compare."""


def measure(case: Case, server: S3Server, *, rounds: int, log: Path) -> list[Result]:
    """Run every contender once unmeasured, then ``rounds`` times in turn: A B A B …"""
    results = [Result(contender.name) for contender in case.contenders]
    for round_number in range(rounds + 1):
        for contender, result in zip(case.contenders, results, strict=True):
            contender.reset()
            run = run_once(contender, server, log)
            if round_number:
                result.runs.append(run)
    return results


def as_users_run() -> dict[str, str]:
    """Return the environment without what would make every Python process compile its imports."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run_once(contender: Contender, server: S3Server, log: Path) -> Run:
    """Run a contender's command once. Raises FailedRun."""
    before = server.counts()
    environment = {**as_users_run(), **server.environment, **contender.environment}
    with log.open("w+b") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            contender.command,
            cwd=contender.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        # wait4 for the peak memory of this process alone. Linux starts the peak of a child at
        # that of its parent: the harness itself must stay small and imports nothing heavy.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        raise FailedRun(f"{contender.name}: exit code {process.returncode}\n{tail}")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(seconds, cpu, usage.ru_maxrss * 1024, server.counts() - before)
