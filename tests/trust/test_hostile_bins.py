"""What the keys of a channel could sign of bins, and no reader believes or follows.

Each listing is signed by the channel's own key, as by who stole it: what stays wrong is its form.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.bins import BIN_LIMIT, BINS_FIELD, SEGMENT, number_of
from pe_dvc.documents.keys import bin_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, PeDvcError, VerificationError
from pe_dvc.trust import bin_files
from pe_dvc.trust.tuf_api import Metadata
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.retention.channel_files import listed_bins
from tests.support.browser_client import ask_browser
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

Listing = dict[str, dict[str, Any]]

NAMES = [f"d{number}" for number in range(30)]
REFUSALS = (VerificationError, FormatError)
BIN = f"us/latest/{SEGMENT}/"


@pytest.fixture(autouse=True)
def _every_reader_is_a_new_process() -> None:
    bin_files.forget()


@pytest.fixture
def sim(tmp_path: Path) -> Simulator:
    made = Simulator(tmp_path)
    made.point("latest", [pointer(name) for name in NAMES], bins=True)
    made.publish()
    bin_files.forget()
    return made


def listing(sim: Simulator) -> tuple[Listing, int]:
    """Return what lists the bins today, and by how many bits they are told apart."""
    signed = json.loads(sim.store.objects[sim.key("2.latest.json")])["signed"]
    return signed["targets"], signed[BINS_FIELD]


def sign(sim: Simulator, targets: Listing, bits: Any) -> bytes:
    """Publish a next version that lists other bins, by the channel's key and the online ones."""
    document = json.loads(sim.store.objects[sim.key("2.latest.json")])
    document["signed"] |= {"version": 3, "targets": targets, BINS_FIELD: bits}
    copied = json.loads(json.dumps(document))  # python-tuf takes apart what it is given
    data = sim.plant("3.latest.json", Metadata.from_dict(copied), "latest")
    sim.point_at({"latest": data})
    return data


def put_bin(sim: Simulator, targets: Any) -> dict[str, Any]:
    """Put a bin that holds ``targets`` into the bucket; return how a channel would list it."""
    data = json.dumps({"targets": targets}).encode()
    sim.store.objects[bin_key("us", sha256_bytes(data))] = data
    return {"length": len(data), "hashes": {"sha256": str(sha256_bytes(data))}}


def held(sim: Simulator, listed: dict[str, Any]) -> Listing:
    key = bin_key("us", listed["hashes"]["sha256"])
    found: Listing = json.loads(sim.store.objects[key])["targets"]
    return found


def place(name: str, bits: int) -> str:
    return f"{BIN}{number_of(f'us/latest/{name}', bits):03x}"


def refused(sim: Simulator, name: str) -> str:
    """Check that nobody reads a dataset, and return why a new reader does not."""
    with pytest.raises(PeDvcError):
        ChannelHistory(sim.store, "us", sim.pinned).version("latest", 3)
    with pytest.raises(REFUSALS):
        sim.client().pointers("latest")
    with pytest.raises(REFUSALS) as caught:
        sim.client().lookup("latest", name)
    assert isinstance(caught.value, PeDvcError)
    return caught.value.message


def test_a_bin_that_lists_bins_is_not_followed(sim: Simulator) -> None:
    """A loop: a bin whose pointers are bins again, the second of them the first."""
    targets, bits = listing(sim)
    for other in range(2**bits):  # whichever bin such a path belongs into
        path = f"{BIN}{other:03x}"
        around = f"{BIN}{number_of(path, bits):03x}"
        targets[around] = put_bin(sim, {path: targets[f"{BIN}{other:03x}"]})
        name = next((name for name in NAMES if place(name, bits) == around), None)
        if name is not None:
            break
    sign(sim, targets, bits)
    assert SEGMENT in refused(sim, str(name))
    bin_files.forget()
    sim.store.clear_record()
    with pytest.raises(VerificationError):
        sim.client().lookup("latest", str(name))
    assert len([key for _, key in sim.store.log if "/bins/" in key]) == 1


def test_the_bin_of_another_number_is_refused(sim: Simulator) -> None:
    """No dataset is hidden by listing another bin, which is genuine, in the place of its own."""
    targets, bits = listing(sim)
    here = place("d7", bits)
    targets[here] = next(one for path, one in targets.items() if path != here)
    sign(sim, targets, bits)
    assert "does not belong into bin" in refused(sim, "d7")


def test_a_bin_of_another_channel_is_refused(sim: Simulator) -> None:
    """Mix and match: what was nominated is not made ``latest`` by listing its bin."""
    targets, bits = listing(sim)
    number = int(place("d7", bits)[-3:], 16)
    names = (f"x{count}" for count in range(10_000))
    name = next(one for one in names if number_of(f"us/next/{one}", bits) == number)
    pointed = {f"us/next/{name}": pointer(name, channel="next").to_target()}
    targets[place("d7", bits)] = put_bin(sim, pointed)
    sign(sim, targets, bits)
    assert f"us/next/{name}" in refused(sim, "d7")


def test_a_pointer_in_the_bin_of_another_is_refused(sim: Simulator) -> None:
    """Two truths: a dataset may be in its own bin only, so that all who ask for it see the same."""
    targets, bits = listing(sim)
    other = next(name for name in NAMES if place(name, bits) != place("d7", bits))
    more = {"us/latest/d7": pointer("d7", "evil").to_target()}
    targets[place(other, bits)] = put_bin(sim, held(sim, targets[place(other, bits)]) | more)
    sign(sim, targets, bits)
    assert "'us/latest/d7' does not belong into bin" in refused(sim, other)
    assert sim.client().lookup("latest", "d7") == pointer("d7")


@pytest.mark.parametrize("content", [[], {"us/latest/d7": 1}, {"us/latest/d7": {}}, None])
def test_a_bin_of_no_pointers_is_refused(sim: Simulator, content: Any) -> None:
    targets, bits = listing(sim)
    targets[place("d7", bits)] = put_bin(sim, content)
    sign(sim, targets, bits)
    assert refused(sim, "d7")


def test_an_oversize_bin_is_refused_before_it_is_read(sim: Simulator) -> None:
    targets, bits = listing(sim)
    targets[place("d7", bits)]["length"] = BIN_LIMIT + 1
    sign(sim, targets, bits)
    assert "is not a bin" in refused(sim, "d7")
    assert not [key for _, key in sim.store.log if "/bins/" in key and _ == "read"]


def test_a_bin_that_is_longer_than_listed_is_not_read_to_its_end(sim: Simulator) -> None:
    """Endless data: who has the bucket, and no key, puts something large in a bin's place."""
    targets, bits = listing(sim)
    listed = targets[place("d7", bits)]
    key = bin_key("us", listed["hashes"]["sha256"])
    sim.store.objects[key] += b" " * 1000
    with pytest.raises(REFUSALS, match=f"{listed['length']}"):
        sim.client().lookup("latest", "d7")


@pytest.mark.parametrize("bits", [0, 13, -1, True, "4", None])
def test_an_impossible_number_of_bins_is_refused(sim: Simulator, bits: Any) -> None:
    sign(sim, listing(sim)[0], bits)
    assert BINS_FIELD in refused(sim, "d7")


def test_a_bin_beyond_the_last_is_refused(sim: Simulator) -> None:
    targets, bits = listing(sim)
    targets[f"{BIN}fff"] = targets[place("d7", bits)]
    sign(sim, targets, bits)
    assert "is not a bin of" in refused(sim, "d7")


@pytest.mark.parametrize("prefix", ["uk/latest", "us/next"])
def test_bins_of_two_prefixes_are_refused(sim: Simulator, prefix: str) -> None:
    """Two truths: of two bins of one number, one reader would take the first, one the last."""
    targets, bits = listing(sim)
    here = place("d7", bits)
    targets[here.replace("us/latest", prefix)] = targets[here]
    sign(sim, targets, bits)
    assert "bins of several channels" in refused(sim, "d7")
    found = ask_browser(sim.store, "us", sim.pinned, sim.base / "b", "latest", lookup="d7")
    assert found["error"] == "VerificationError"


def test_bins_among_pointers_are_refused(sim: Simulator) -> None:
    targets, bits = listing(sim)
    sign(sim, targets | {"us/latest/d7": pointer("d7", "evil").to_target()}, bits)
    assert refused(sim, "d7")


@pytest.mark.parametrize("target", [None, 1, "x", [], {}, {"hashes": 1}, {"hashes": {}}])
def test_what_lists_no_bin_is_an_error_of_ours_to_gc_and_fsck(target: Any) -> None:
    """They look into files of the bucket that nobody verified."""
    targets = {f"{BIN}000": target}
    data = json.dumps({"signed": {"targets": targets, BINS_FIELD: 4}}).encode()
    with pytest.raises(FormatError):
        listed_bins(data, where="channels/us/3.latest.json")
