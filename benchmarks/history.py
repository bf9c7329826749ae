"""What a channel's past costs: CPU, requests and bytes for 100, 1,000 and 10,000 versions.

    python -m benchmarks.history                 # a few minutes
    python -m benchmarks.history 100 1000

The bucket is a dictionary: only work is measured, and what is asked of it is counted. The exponent
is the slope of the CPU time, and of the requests, on logarithmic scales: 0 is constant, 1 linear.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.mirrors import Selection
from pe_dvc.trust.client import ChannelClient
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.log import channel_log
from pe_dvc.usecases.channel.recent import RecentHistory
from pe_dvc.usecases.channel.standing import standing
from pe_dvc.usecases.mirror.sync import Sync
from pe_dvc.usecases.retention.reachability import Bucket, Reach
from tests.support.country import NAME, Country
from tests.support.factories import pointer_to
from tests.support.long_history import add_versions
from tests.support.memory_store import MemoryStore
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 1_000, 10_000)
PAGE = 1_000


class Cost(NamedTuple):
    """Seconds of CPU, and requests: a listing is one for each thousand objects."""

    cpu: float
    requests: int


def measure(size: int) -> dict[str, Cost]:
    """Return what each piece of work costs with a history of ``size`` versions."""
    with tempfile.TemporaryDirectory() as place:
        home, store, mirror = Path(place), MemoryStore(), MemoryStore("memory://mirror")
        country = Country(home / "maintainer", store)
        pointers = [pointer_to(country.publish({NAME: data})[0]) for data in (b"even", b"odd")]
        signed = country.signed
        add_versions(signed, store, size, lambda version: [pointers[version % 2]])
        root = signed.root
        Sync(store, mirror, "us", [root], name="m").run(Selection())
        works: dict[str, Callable[[CountingStore], object]] = {
            "first read of a new client": lambda s: ChannelClient(
                s, "us", root, home / "state"
            ).pointers("latest"),
            "channel status": lambda s: standing(signed.metadata, s, now=signed.now),
            "channel log -n 20": lambda s: channel_log(
                RecentHistory(s, "us", root, last=21).versions("latest"), {}
            ),
            "channel log": lambda s: channel_log(
                ChannelHistory(s, "us", root).versions("latest"), {}
            ),
            "mirror sync of nothing new": lambda s: Sync(s, mirror, "us", [root], name="m").run(
                Selection()
            ),
            "gc, plan: what promises nothing": lambda s: ChannelHistory(
                s, "us", root
            ).without_promise("latest"),
            "gc, plan: what versions name": _reach,
        }
        return {name: _cost(store, work) for name, work in works.items()}


def _reach(store: CountingStore) -> None:
    bucket = Bucket.read(store, "us")
    bucket.add_published(Reach(), bucket.manifests())


def _cost(store: MemoryStore, work: Callable[[CountingStore], object]) -> Cost:
    counting, start = CountingStore(store), time.process_time()
    work(counting)
    cpu = time.process_time() - start
    return Cost(cpu, sum(counting.calls.values()) + counting.listed // PAGE)


def _slope(sizes: list[int], values: list[float]) -> str:
    if len(sizes) < 2:
        return "-"
    grown = math.log(max(values[-1], 1e-3) / max(values[-2], 1e-3))
    return f"{grown / math.log(sizes[-1] / sizes[-2]):.1f}"


def print_table(sizes: list[int], found: dict[int, dict[str, Cost]]) -> None:
    """Print what each piece of work costs for each size, with exponents."""
    heads = "".join(f" {size:,} |" for size in sizes)
    print(f"| CPU s (requests) |{heads} CPU ~ n^ | requests ~ n^ |")
    print(f"|---|{'---|' * (len(sizes) + 2)}")
    for name in found[sizes[0]]:
        costs = [found[size][name] for size in sizes]
        cells = "".join(f" {cost.cpu:.2f} ({cost.requests:,}) |" for cost in costs)
        slope = partial(_slope, sizes)
        cpu, requests = slope([c.cpu for c in costs]), slope([float(c.requests) for c in costs])
        print(f"| {name} |{cells} {cpu} | {requests} |")


def main() -> None:
    sizes = sorted(int(size) for size in sys.argv[1:]) or list(SIZES)
    print_table(sizes, {size: measure(size) for size in sizes})


if __name__ == "__main__":
    main()
