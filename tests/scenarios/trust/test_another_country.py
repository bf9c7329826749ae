"""Metadata of one country in the place of another's, where a careless operator shares the keys.

Every signature is good. What it was signed for is signed, too; what an older pe_dvc made says so
by the paths of pointers and delegations alone.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.release_target import Released
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.tuf_api import TargetFile, Targets
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

ROLES = ("timestamp", "snapshot", "targets", "latest", "releases")
US, UK = pointer("cps_2024", "us"), pointer("cps_2024", "uk", country="uk")


def released(country: str) -> Released:
    return Released(
        country=country,
        tag="1.0.0",
        sha256=sha256_bytes(country.encode()),
        size=2,
        tro_sha256=sha256_bytes(b"tro"),
        commit="0" * 40,
        channel="latest",
    )


class Pair:
    """us and uk, whose keys are the same, in one bucket."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.us = Simulator(base / "us")
        keys = base / "uk" / "keys"
        shutil.copytree(self.us.keys_dir / "us", keys / "uk")
        self.uk = Simulator(base / "uk", "uk", keys_dir=keys, store=self.us.store)
        for sim, at in ((self.us, US), (self.uk, UK)):
            sim.update(at)
            self._release(sim)
            sim.publish()
        self.store = self.us.store

    def _release(self, sim: Simulator) -> None:
        metadata, target = sim.files.read("releases", Targets), released(sim.country)
        metadata.signed.targets[target.target_path] = TargetFile.from_dict(
            target.to_target(), target.target_path
        )
        metadata.signed.version = 2
        metadata.sign(sim.signer("releases"))
        sim.files.write("releases", metadata)

    def client(self, country: str, state: str) -> ChannelClient:
        root = {"us": self.us, "uk": self.uk}[country].pinned
        return ChannelClient(self.store, country, root, self.base / "state" / state)

    def replay(self, *roles: str) -> None:
        """Put the files of us in the place of those of uk."""
        for key in list(self.store.objects):
            _, country, name = key.split("/", 2)
            if country == "us" and name.removesuffix(".json").rpartition(".")[2] in roles:
                self.store.objects[f"channels/uk/{name}"] = self.store.objects[key]


@pytest.fixture(params=["", "older"], ids=["named", "made-by-an-older-pe_dvc"])
def pair(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Pair:
    if request.param:
        for module in ("initial_metadata", "versions"):
            package = "trust" if module == "initial_metadata" else "usecases.channel"
            monkeypatch.setattr(f"pe_dvc.{package}.{module}.mark", lambda *_: None)
        monkeypatch.setattr("pe_dvc.usecases.publish.snapshot.mark", lambda *_: None)
    return Pair(tmp_path)


@pytest.fixture(params=["us", "uk", "both", "neither"], ids="knows-{}".format)
def knows(request: pytest.FixtureRequest) -> str:
    known: str = request.param
    return known


def meet(pair: Pair, knows: str) -> None:
    """Let the reader read the countries that it knows."""
    for country in {"both": ("us", "uk"), "neither": ()}.get(knows, (knows,)):
        pair.client(country, "reader").pointers("latest")


def served_or_refused(pair: Pair) -> None:
    """Check that uk's reader gets what uk has signed, or else a refusal."""
    with suppress(VerificationError):
        assert pair.client("uk", "reader").pointers("latest") == [UK]
    with suppress(VerificationError):
        assert pair.client("uk", "reader").releases() == {"1.0.0": released("uk")}


@pytest.mark.parametrize(
    "roles", [[*ROLES], *([role] for role in ROLES), [*ROLES[1:]], [*ROLES[:3]], [*ROLES[3:]]]
)
def test_us_metadata_replayed_as_uk(pair: Pair, knows: str, roles: list[str]) -> None:
    meet(pair, knows)
    pair.replay(*roles)
    served_or_refused(pair)
    assert pair.client("us", "reader").pointers("latest") == [US]


@pytest.mark.parametrize("role", ["latest", "releases"])
def test_us_channel_replayed_as_uk_with_the_stolen_online_keys(
    pair: Pair, knows: str, role: str
) -> None:
    """The thief's snapshot and timestamp of uk name the file that us has signed."""
    meet(pair, knows)
    data = pair.store.objects[f"channels/us/2.{role}.json"]
    pair.store.objects[f"channels/uk/2.{role}.json"] = data
    pair.uk.point_at({role: data})
    client = pair.client("uk", "reader")
    with pytest.raises(VerificationError):
        _ = client.releases() if role == "releases" else client.pointers(role)


def test_us_root_in_the_place_of_the_next_root_of_uk(pair: Pair, knows: str) -> None:
    """The root key is shared as well: the second root of us follows from the first of uk."""
    meet(pair, knows)
    pair.us.rotate("timestamp")
    pair.us.publish()
    pair.replay("root", *ROLES)
    with pytest.raises(VerificationError, match="another country"):
        pair.client("uk", "reader").pointers("latest")


def test_us_root_given_for_uk(pair: Pair) -> None:
    with pytest.raises(VerificationError, match="says that it is of 'us', and uk was asked for"):
        ChannelClient(pair.store, "uk", pair.us.pinned, pair.base / "state")


def test_what_us_has_put_into_the_state_of_uk_goes_away_with_the_attack(
    tmp_path: Path, each_bucket: None
) -> None:
    pair = Pair(tmp_path)
    meet(pair, "both")
    good = dict(pair.store.objects)
    for count in range(1, len(ROLES) + 1):
        for roles in combinations(ROLES, count):
            pair.replay(*roles)
            served_or_refused(pair)
            pair.store.restore(good)
            client = pair.client("uk", "reader")
            assert client.pointers("latest") == [UK]
            assert client.releases() == {"1.0.0": released("uk")}


def test_an_empty_channel_of_us_says_nothing_of_uk(tmp_path: Path, each_bucket: None) -> None:
    """No path tells whose it is: the field does."""
    pair = Pair(tmp_path)
    empty = pair.store.objects["channels/us/1.revoked.json"]
    pair.store.objects["channels/uk/1.revoked.json"] = empty
    pair.uk.point_at({"revoked": empty})
    with pytest.raises(VerificationError, match="another country"):
        pair.client("uk", "reader")._role("revoked")
