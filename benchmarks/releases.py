"""What many releases cost: CPU and requests for 100, 1,000 and 4,000 of them.

    python -m benchmarks.releases                # a few minutes
    python -m benchmarks.releases 100 1000

A git repo with as many tags, and a bucket in a directory that counts what is asked of it. All
releases have the same three datasets. The exponents are slopes on logarithmic scales: 0 is
constant, 1 linear.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.history import PAGE, Cost, print_table
from pe_dvc.documents.keys import RELEASE_MANIFEST, release_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.release import Releases
from pe_dvc.store.cache import Cache
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.tuf_api import TargetFile, Targets
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.log import channel_log
from pe_dvc.usecases.channel.next_version import next_version
from pe_dvc.usecases.read.ls import list_releases
from pe_dvc.usecases.read.resolve_release import release_manifest
from pe_dvc.usecases.retention.reachability import Bucket, Reach
from tests.support.release_history import History
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.release_target import Released

SIZES = (100, 1_000, 4_000)


def lay_out(home: Path, size: int) -> History:
    """Make a repo with so many tagged, registered and published releases."""
    history = History(home)
    os.environ |= {name: one for name, one in history.environment.items() if name[:3] == "PE_"}
    commit = history.release("1.0.0")
    history.publish_release("1.0.0")
    one = Releases(history.root).registered()["1.0.0"]
    data, _ = history.store.read(release_key("us", "1.0.0", RELEASE_MANIFEST), limit=1 << 20)
    many = [one, *(_another(history, one, data, f"1.{n}.0") for n in range(1, size))]
    _register(history, many)
    lines = "".join(f"create refs/tags/{each.tag} {commit}\n" for each in many[1:])
    command = ("git", "update-ref", "--stdin")
    subprocess.run(command, cwd=history.root, input=lines, text=True, check=True)
    history.publish_channels()
    return history


def _another(history: History, one: Released, data: bytes, tag: str) -> Released:
    """Put the manifest of another release into the bucket; return how it is registered."""
    other = data.replace(b"1.0.0", tag.encode())
    history.store.create(release_key("us", tag, RELEASE_MANIFEST), other)
    return replace(one, tag=tag, sha256=sha256_bytes(other), size=len(other))


def _register(history: History, released: list[Released]) -> None:
    signed = history.signed
    metadata = signed.files.read("releases", Targets)
    above = signed.metadata.targets.signed
    next_version(metadata, above, "releases", now=signed.now)
    metadata.signed.targets = {
        one.target_path: TargetFile.from_dict(one.to_target(), one.target_path) for one in released
    }
    signed.signers.sign(above, "releases", metadata)
    signed.files.write("releases", metadata)


def measure(size: int) -> dict[str, Cost]:
    """Return what each piece of work costs with so many releases."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        history = lay_out(home, size)
        root, states = history.signed.root, iter(range(9))

        def new_client(store: CountingStore) -> ChannelClient:
            return ChannelClient(store, "us", root, home / f"state{next(states)}")

        def listed(store: CountingStore) -> object:
            found = partial(release_manifest, store=store, cache=Cache(home / "cache"))
            return list_releases(new_client(store), found)

        def reads_one(store: CountingStore) -> object:
            released = new_client(store).releases()[f"1.{size // 2}.0"]
            return release_manifest(released, store=store, cache=Cache(home / "cache-of-one"))

        works: dict[str, Callable[[CountingStore], object]] = {
            "release list, in a clone": lambda store: _place(history, store).status(),
            "ls --releases of a new reader": listed,
            "first read of one release": reads_one,
            "first read of a channel": lambda store: new_client(store).pointers("latest"),
            "channel log": lambda store: channel_log(
                ChannelHistory(store, "us", root).versions("latest"), {}
            ),
            "gc, plan: what releases name": _reach,
        }
        return {name: _cost(history, work) for name, work in works.items()}


def _place(history: History, store: CountingStore) -> Releases:
    place = Releases(history.root)
    place.__dict__["store"] = store
    return place


def _reach(store: CountingStore) -> None:
    bucket = Bucket.read(store, "us")
    bucket.add_published(Reach(), bucket.manifests())


def _cost(history: History, work: Callable[[CountingStore], object]) -> Cost:
    counting, start = CountingStore(history.store), time.process_time()
    work(counting)
    cpu = time.process_time() - start
    return Cost(cpu, sum(counting.calls.values()) + counting.listed // PAGE)


def main() -> None:
    sizes = sorted(int(size) for size in sys.argv[1:]) or list(SIZES)
    print_table(sizes, {size: measure(size) for size in sizes})


if __name__ == "__main__":
    main()
