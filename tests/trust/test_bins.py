"""A channel in bins: what is read and written of it, and what an attacker cannot do with them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.bins import bits_for, number_of, split
from pe_dvc.documents.keys import bin_key, bins_prefix
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.trust import bin_files
from pe_dvc.trust.bin_files import _Known
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.roles import max_length
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.publish.adopt import adopt_channel
from pe_dvc.usecases.publish.publication import Publication
from pe_dvc.usecases.publish.publisher import Publisher
from tests.support.browser_client import ask_browser
from tests.support.simulator import EVERY_MANIFEST, NOW, Simulator, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer

COUNT = 200


@pytest.fixture(autouse=True)
def _every_reader_is_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bin_files, "_known", _Known())


@pytest.fixture
def sim(tmp_path: Path) -> Simulator:
    """``latest`` in bins: version 2 with 200 datasets, and 3 with one of them replaced."""
    made = Simulator(tmp_path)
    made.point("latest", datasets(), bins=True)
    made.publish()
    made.update(*datasets(d7="new"))
    made.publish()
    bin_files._known = _Known()
    return made


def datasets(**contents: str) -> list[Pointer]:
    names = [f"d{number}" for number in range(COUNT)]
    return [pointer(name, contents.get(name, "")) for name in names]


def bins(sim: Simulator) -> Iterator[str]:
    return (key for key in sorted(sim.store.objects) if key.startswith(bins_prefix("us")))


def bin_of(sim: Simulator, name: str) -> str:
    """Return the key of the bin that today's version lists for a dataset."""
    signed = json.loads(sim.store.objects[sim.key("latest.json")])["signed"]
    number = number_of(f"us/latest/{name}", signed["x-pe-dvc-bins"])
    target = next(one for path, one in signed["targets"].items() if path.endswith(f"/{number:03x}"))
    return bin_key("us", target["hashes"]["sha256"])


def test_every_dataset_is_read_and_no_other(sim: Simulator) -> None:
    client = sim.client()
    assert client.pointers("latest") == sorted(datasets(d7="new"), key=lambda one: one.name)
    assert client.lookup("latest", "d7") == pointer("d7", "new")
    assert client.lookup("latest", "d200") is None
    assert client.channel_version("latest") == 3


def test_one_dataset_needs_one_bin_and_no_more_once_it_was_read(sim: Simulator) -> None:
    sim.store.clear_record()
    sim.client("alice").lookup("latest", "d7")
    asked = [key for _, key in sim.store.log]
    assert [key for key in asked if "bins/" in key] == [bin_of(sim, "d7")]
    sim.store.clear_record()
    sim.client("alice").lookup("latest", "d7")
    asked = sorted(key for _, key in sim.store.log)
    assert asked == [sim.key("2.root.json"), sim.key("timestamp.json")]


def test_a_change_of_one_dataset_writes_one_bin(sim: Simulator) -> None:
    before = {*bins(sim)}
    sim.update(*datasets(d7="new", d8="newer"))
    sim.publish()
    assert [key for key in bins(sim) if key not in before] == [bin_of(sim, "d8")]
    assert sim.publish().written == ()


def test_each_version_is_one_state_of_the_channel(sim: Simulator) -> None:
    history = ChannelHistory(sim.store, "us", sim.pinned)
    held = {version.version: version.pointers["d7"] for version in history.versions("latest")}
    assert held == {2: pointer("d7"), 3: pointer("d7", "new")}
    assert history.version("latest", 2).pointers["d8"] == pointer("d8")


def test_offline_what_was_read_is_known_and_the_rest_is_not_called_missing(sim: Simulator) -> None:
    sim.client("alice").lookup("latest", "d7")
    where = sim.base / "state/alice"
    offline = ChannelClient(sim.store, "us", sim.pinned, where, offline=True)
    assert offline.lookup("latest", "d7") == pointer("d7", "new")
    elsewhere = next(
        n for n in (f"d{i}" for i in range(COUNT)) if bin_of(sim, n) != bin_of(sim, "d7")
    )
    with pytest.raises(NotFoundError, match="never read here"):
        offline.lookup("latest", elsewhere)


def test_an_altered_bin_is_refused(sim: Simulator) -> None:
    key = bin_of(sim, "d7")
    evil = sim.store.objects[key].replace(str(pointer("d7", "new").sha256).encode(), b"e" * 64)
    sim.store.objects[key] = evil
    with pytest.raises(VerificationError, match="is not what was promised"):
        sim.client().lookup("latest", "d7")
    with pytest.raises(VerificationError, match="is not what was promised"):
        sim.client().pointers("latest")
    assert sim.client().lookup("latest", "d199") or bin_of(sim, "d199") == key


def test_the_bin_of_an_older_version_is_refused(sim: Simulator) -> None:
    """Rollback of one bin: it was signed once, as a part of version 2."""
    now = bin_of(sim, "d7")
    older = next(
        data
        for key in bins(sim)
        if key != now and b'"us/latest/d7"' in (data := sim.store.objects[key])
    )
    sim.store.objects[now] = older
    with pytest.raises(VerificationError):
        sim.client().lookup("latest", "d7")


def test_a_hidden_bin_is_no_missing_dataset(sim: Simulator) -> None:
    del sim.store.objects[bin_of(sim, "d7")]
    with pytest.raises(VerificationError, match="is missing, and signed metadata lists it"):
        sim.client().lookup("latest", "d7")
    sim.publish()  # git has it
    assert sim.client().lookup("latest", "d7") == pointer("d7", "new")


def test_a_bin_that_was_altered_on_this_machine_is_read_again(sim: Simulator) -> None:
    sim.client("alice").lookup("latest", "d7")
    (kept,) = (sim.base / "state/alice/bins").iterdir()
    kept.write_bytes(b"{}")
    assert sim.client("alice").lookup("latest", "d7") == pointer("d7", "new")


def test_a_browser_reads_the_same(sim: Simulator) -> None:
    where = sim.base / "state/browser"
    found = ask_browser(sim.store, "us", sim.pinned, where, "latest", lookup="d7")
    assert found["pointer"]["sha256"] == pointer("d7", "new").sha256
    assert "pointer" not in ask_browser(sim.store, "us", sim.pinned, where, "latest", lookup="no")
    key = bin_of(sim, "d7")
    sim.store.objects[key] = sim.store.objects[key].replace(b"d7", b"e7")
    found = ask_browser(sim.store, "us", sim.pinned, where, "latest", lookup="d7")
    assert found["error"] == "DigestMismatchError"


def test_an_earlier_pe_dvc_refuses_and_does_not_call_datasets_missing(sim: Simulator) -> None:
    signed = json.loads(sim.store.objects[sim.key("latest.json")])["signed"]
    with pytest.raises(FormatError, match="us/latest/~needs-a-newer-pe_dvc/0"):
        pointers_of(signed["targets"], country="us", channel="latest", where="latest")


def test_publishers_of_different_datasets_get_into_no_ones_way(sim: Simulator) -> None:
    other = sim.clone("other")
    other.update(*datasets(d7="new", d1="theirs"))
    other.publish()
    sim.update(*datasets(d7="new", d2="ours"))
    mine = Publication(sim.store, sim.metadata, Publisher(sim.signers, now=NOW))
    mine.publish_channels(known=EVERY_MANIFEST)
    client = sim.client()
    assert client.lookup("latest", "d1") == pointer("d1", "theirs")
    assert client.lookup("latest", "d2") == pointer("d2", "ours")
    assert adopt_channel(sim.store, other.directory, "us", "latest") == 5
    assert other.files.read_bytes("latest") == sim.files.read_bytes("latest")


def test_a_channel_stays_as_it_is_until_it_is_said_otherwise(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    sim.update(*datasets())
    sim.publish()
    assert not [*bins(sim)]
    one = sim.point("latest", datasets(), bins=True)
    assert (one.changed, one.version) == (True, 3)
    assert sim.update(*datasets()).changed is False
    sim.publish()
    assert len(sim.client().pointers("latest")) == COUNT
    assert sim.point("latest", datasets(), bins=False).version == 4
    sim.publish()
    assert len(json.loads(sim.store.objects[sim.key("latest.json")])["signed"]["targets"]) == COUNT


def test_a_channel_larger_than_one_file_can_be(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    many = [pointer(f"d{number}") for number in range(max_length("latest") // 300 + 1)]
    with pytest.raises(FormatError, match="no reader would read it"):
        sim.update(*many)
    sim.point("latest", many, bins=True)
    sim.publish()
    assert sim.client().lookup("latest", "d16000") == pointer("d16000")


def test_the_number_of_bins_grows_with_the_root_of_the_datasets_and_seldom() -> None:
    assert [2 ** bits_for(count) for count in (1, 100, 1_000, 10_000, 100_000)] == [
        2, 16, 32, 128, 512,
    ]  # fmt: skip
    seen = [bits_for(1)]
    for count in range(1, 20_000):
        seen.append(bits_for(count, seen[-1]))
    assert sum(one != other for one, other in itertools.pairwise(seen)) <= 7


def test_the_same_pointers_give_the_same_bins() -> None:
    targets: dict[str, Any] = {one.target_path: one.to_target() for one in datasets()}
    listed, files = split(targets, 4)
    assert split(dict(reversed(targets.items())), 4) == (listed, files)
    assert [one["hashes"]["sha256"] for one in listed.values()] == [sha256_bytes(f) for f in files]


def test_a_reader_who_comes_back_loads_no_tuf(sim: Simulator, tmp_path: Path) -> None:
    sim.client("alice").lookup("latest", "d7")
    bucket = tmp_path / "bucket"
    for key, data in sim.store.objects.items():
        (bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (bucket / key).write_bytes(data)
    (tmp_path / "root.json").write_bytes(sim.pinned)
    program = f"""
import sys
from pathlib import Path
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.trust.client import ChannelClient
base = Path({str(tmp_path)!r})
def client():
    root = (base / "root.json").read_bytes()
    return ChannelClient(LocalStore(base / "bucket"), "us", root, base / "reader")
if sys.argv[1:]:
    client().lookup("latest", "d7")
else:
    print(client().lookup("latest", "d7").sha256, "tuf" in sys.modules)
"""
    for arguments in (["first"], []):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == [pointer("d7", "new").sha256, "False"]
