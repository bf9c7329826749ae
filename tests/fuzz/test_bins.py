"""Fuzz targets: the bins of large channels, and the signed metadata that lists them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import RepositoryError

from pe_dvc.documents.bins import BINS_FIELD, bins_of, number_of, read_bin
from pe_dvc.documents.keys import bin_key
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.trust import bin_files
from pe_dvc.trust.tuf_api import Metadata, Targets
from pe_dvc.usecases.retention.channel_files import listed_bins, targets_of
from tests.support.fuzzing import fuzz, hostile, mutated
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = [f"d{number}" for number in range(30)]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    sim = Simulator(tmp_path_factory.mktemp("bins"))
    sim.point("latest", [pointer(name) for name in NAMES], bins=True)
    sim.publish()
    yield sim
    bin_files.forget()


def _listing(sim: Simulator) -> bytes:
    data: bytes = sim.store.objects[sim.key("2.latest.json")]
    return data


def _bin_of(sim: Simulator, name: str) -> tuple[str, int, int]:
    """Return the key of a dataset's bin, its number, and the number of bits."""
    signed = json.loads(_listing(sim))["signed"]
    bins = bins_of(signed, signed["targets"], where="latest")
    assert bins is not None
    number, found = bins.of(f"us/latest/{name}")
    assert found is not None
    return bin_key("us", found.sha256), number, bins.bits


def test_a_bin(published: Simulator) -> None:
    """What is read of a bin are pointers of this channel, that belong into it."""
    key, number, bits = _bin_of(published, "d7")

    def target(data: bytes) -> None:
        targets = read_bin(data, number, bits, where="a bin")
        for path in pointers_of(targets, country="us", channel="latest", where="a bin"):
            assert number_of(f"us/latest/{path}", bits) == number

    fuzz(target, hostile(published.store.objects[key]))


def test_what_lists_bins(published: Simulator) -> None:
    """gc and fsck look into what nobody verified."""

    def target(data: bytes) -> None:
        for one in listed_bins(data, where="latest"):
            assert bin_key("us", one.sha256)
        targets_of(data, where="latest")

    fuzz(target, hostile(_listing(published)))


def test_what_lists_bins_and_is_signed(published: Simulator) -> None:
    """Whatever the channel's key signed, readers get the true pointer, none, or an error."""
    true, good = json.loads(_listing(published))["signed"], dict(published.store.objects)
    parts = json.dumps({"targets": true["targets"], "bits": true[BINS_FIELD]}).encode()

    def target(data: bytes) -> None:
        changed = json.loads(data)
        if not isinstance(changed, dict):
            return
        document = json.loads(_listing(published))
        document["signed"] |= {"version": 3, "targets": changed.get("targets")}
        document["signed"][BINS_FIELD] = changed.get("bits")
        bin_files.forget()
        try:
            metadata: Metadata[Targets] = Metadata.from_dict(document)
            published.point_at({"latest": published.plant("3.latest.json", metadata, "latest")})
        except (ValueError, KeyError, TypeError, AttributeError, RepositoryError):
            return  # python-tuf can make or sign no such metadata
        try:
            assert published.client().lookup("latest", "d7") in (pointer("d7"), None)
        finally:
            published.store.restore(good)

    fuzz(target, mutated([parts]))


def test_what_lies_in_a_bins_place(published: Simulator) -> None:
    """Without the channel's key nothing else than the true pointer is ever read."""
    key, good = _bin_of(published, "d7")[0], dict(published.store.objects)

    def target(data: bytes) -> None:
        published.store.objects[key] = data
        bin_files.forget()
        try:
            assert published.client().lookup("latest", "d7") == pointer("d7")
        finally:
            published.store.restore(good)

    fuzz(target, hostile(good[key]))
