"""Results for people and for machines."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Case, Result
    from benchmarks.s3_traffic import Pace

_PACKAGES = ("pe_dvc", "dvc", "dvc-s3", "obstore", "boto3", "s3fs", "pyarrow")


def machine() -> dict[str, Any]:
    """Return what a figure means nothing without."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(memory / 1024**3, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def print_machine(facts: dict[str, Any], pace: Pace) -> None:
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    print(
        f"{facts['cores']} cores ({facts['processor']}), {facts['memory_gib']} GiB, "
        f"{facts['system']}, Python {facts['python']}, load {facts['load_before']} at the start"
    )
    print(versions)
    print(f"S3 server on loopback, in memory; {_describe(pace)}")


def _describe(pace: Pace) -> str:
    limits = [
        (pace.latency_ms, f"{pace.latency_ms:g} ms per request"),
        (pace.connection_mib, f"{pace.connection_mib:g} MiB/s per connection"),
        (pace.total_mib, f"{pace.total_mib:g} MiB/s in all"),
    ]
    return ", ".join(text for limit, text in limits if limit) or "as fast as it can"


def print_case(case: Case, results: Sequence[Result]) -> None:
    """Print one table; a ratio of 2 means twice as fast as the first row."""
    print(f"\n{case.name}: {case.work}\n  reset before each run: {case.resets}")
    width = max(len(result.name) for result in results)
    print(
        f"  {'':<{width}}  {'median':>8} {'min':>8} {'max':>8} {'cpu':>7} {'peak rss':>9} "
        f"{'requests':>8} {'sent':>9} {'ratio':>6}"
    )
    for result in results:
        row = result.to_json()
        print(
            f"  {result.name:<{width}}  {row['median_s']:7.3f}s {min(row['seconds']):7.3f}s "
            f"{max(row['seconds']):7.3f}s {row['cpu_s']:6.2f}s {row['peak_rss_mib']:5.0f} MiB "
            f"{sum(row['requests'].values()):8} {_mib(row['bytes_sent_by_server'])} "
            f"{results[0].median / result.median:5.2f}x"
        )
    for reason in case.skipped:
        print(f"  skipped: {reason}")


def _mib(count: int) -> str:
    return f"{count / 1024**2:5.0f} MiB" if count >= 1024**2 else f"{count / 1024:5.1f} KiB"
