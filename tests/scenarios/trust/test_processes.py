"""Real processes on a real directory: readers share one state while publishers race."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.client import ChannelClient
from pe_dvc.usecases.publish.channel import publish_channels
from pe_dvc.usecases.publish.publisher import Publisher
from tests.support.memory_store import MemoryStore
from tests.support.simulator import NOW, Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store

READER = """
import sys
from pathlib import Path
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.trust.client import ChannelClient

bucket, root, state = map(Path, sys.argv[1:])
seen = 0
for _ in range(15):
    client = ChannelClient(LocalStore(bucket), "us", root.read_bytes(), state)
    assert client.lookup("latest", "cps_2024") is not None
    assert client.channel_version("latest") >= seen, "went back"
    seen = client.channel_version("latest")
print(seen)
"""


def test_readers_of_one_state_never_fail_and_never_go_back(sim: Simulator, tmp_path: Path) -> None:
    bucket, root = tmp_path / "bucket", tmp_path / "root.json"
    store = LocalStore(bucket)
    root.write_bytes(sim.pinned)
    publish_channels(bucket_of(store, sim.metadata), sim.metadata, Publisher(sim.signers, now=NOW))
    arguments = [sys.executable, "-c", READER, str(bucket), str(root), str(tmp_path / "shared")]
    readers = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for number in range(12):
        sim.update(pointer("cps_2024", str(number)))
        publish_channels(
            bucket_of(store, sim.metadata), sim.metadata, Publisher(sim.signers, now=NOW)
        )
    for reader in readers:
        out, error = reader.communicate(timeout=120)
        assert reader.returncode == 0, error
        assert 3 <= int(out) <= 15


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_real_stores(sim: Simulator, tmp_path: Path, kind: str) -> None:
    store: Store = MemoryStore() if kind == "memory" else LocalStore(tmp_path / "bucket")
    bucket = bucket_of(store, sim.metadata)
    assert publish_channels(bucket, sim.metadata, Publisher(sim.signers, now=NOW)).written
    assert publish_channels(bucket, sim.metadata, Publisher(sim.signers, now=NOW)).written == ()
    sim.update(pointer("frs"))
    publish_channels(bucket_of(store, sim.metadata), sim.metadata, Publisher(sim.signers, now=NOW))
    client = ChannelClient(store, "us", sim.pinned, tmp_path / "state")
    assert client.pointers("latest") == [pointer("frs")]
    assert client.channel_version("latest") == 4
    with pytest.raises(ConflictError):
        store.create("channels/us/4.latest.json", b"")
