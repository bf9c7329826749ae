"""What it costs a reader to hold a channel's history to its log: requests and bytes, by its length.

    python -m benchmarks.log_growth              # logs of 10, 1,000 and 100,000 entries
    python -m benchmarks.log_growth 10 1000

The bucket is a dictionary, and what is asked of it is counted, so that the figures are exact. They
are of the log's own files alone, beside what every reader reads: root, timestamp, snapshot, roles.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from pe_dvc.trust.client import ChannelClient
from tests.support.hand_log import HandLog, filler
from tests.support.simulator import Simulator, pointer

SIZES = (10, 1_000, 100_000)


class Cost(NamedTuple):
    """Requests for the log's files, and bytes of the answers."""

    requests: int
    transferred: int


def measure(size: int) -> dict[str, Cost]:
    """Return what readers ask of a log of ``size`` entries."""
    with tempfile.TemporaryDirectory() as place:
        sim = Simulator(Path(place))
        log = HandLog(sim, leaves=filler(max(0, size // 2 - 6)))
        log.after = 1
        _publish(sim, log, "half as long")
        read(sim, "half")
        log.leaves += filler(size - len(log.leaves) - 22, start=10**6)
        _publish(sim, log, "a while ago")
        read(sim, "twenty")
        for number in range(19):
            _publish(sim, log, str(number))
        read(sim, "one")
        _publish(sim, log, "now")
        return {
            "one who read it as it is": read(sim, "one", again=True),
            "one publication behind": read(sim, "one"),
            "twenty publications behind": read(sim, "twenty"),
            "half of the log behind": read(sim, "half"),
            "a new reader": read(sim, "new"),
        }


def _publish(sim: Simulator, log: HandLog, text: str) -> None:
    sim.update(pointer("cps_2024", text))
    sim.publish()
    log.add()


def read(sim: Simulator, state: str, *, again: bool = False) -> Cost:
    """Read as a reader with that state does, or as it does then once more."""
    if again:
        before = {path: path.read_bytes() for path in (sim.base / "state" / state).rglob("*.json")}
        read(sim, state)
    sim.store.clear_record()
    ChannelClient(sim.store, "us", sim.pinned, sim.base / "state" / state).pointers("latest")
    keys = [key for what, key in sim.store.log if what == "read" and "/log/" in key]
    if again:
        for path, data in before.items():
            path.write_bytes(data)
    found = [sim.store.objects.get(key, b"") for key in keys]
    return Cost(len(keys), sum(len(data) for data in found))


def main(sizes: list[int]) -> None:
    """Print a table."""
    found = {size: measure(size) for size in sizes}
    print("| reader |", " | ".join(f"{size:,} entries" for size in sizes), "|")
    print("|---|", "---|" * len(sizes))
    for name in found[sizes[0]]:
        costs = [found[size][name] for size in sizes]
        cells = [f"{one.requests} requests, {one.transferred:,} bytes" for one in costs]
        print(f"| {name} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [*SIZES])
