"""Metadata of one country in the place of another's, where a careless operator shares the keys.

Two producers of one country are two countries in this: neither's is taken for the other's.
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
from pe_dvc.trust import initial_metadata
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.tuf_api import TargetFile, Targets
from pe_dvc.usecases.channel import next_version
from pe_dvc.usecases.publish import snapshot
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer

ROLES = ("timestamp", "snapshot", "targets", "latest", "releases")
PAIRS = [("us", "uk"), ("uk", "uk-microcosm"), ("uk-microcosm", "uk")]
"""Whose metadata are replayed, and in whose place."""


def pointer_of(country: str) -> Pointer:
    return pointer("cps_2024", country, country=country)


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
    """Two countries, whose keys are the same, in one bucket."""

    def __init__(self, base: Path, other: str = "us", own: str = "uk") -> None:
        self.base = base
        self.other = Simulator(base / other, other)
        keys = base / own / "keys"
        shutil.copytree(self.other.keys_dir / other, keys / own)
        self.own = Simulator(base / own, own, keys_dir=keys, store=self.other.store)
        for sim in (self.other, self.own):
            sim.update(pointer_of(sim.country))
            self._release(sim)
            sim.publish()
        self.store = self.other.store

    def _release(self, sim: Simulator) -> None:
        metadata, target = sim.files.read("releases", Targets), released(sim.country)
        metadata.signed.targets[target.target_path] = TargetFile.from_dict(
            target.to_target(), target.target_path
        )
        metadata.signed.version = 2
        metadata.sign(sim.signer("releases"))
        sim.files.write("releases", metadata)

    def client(self, sim: Simulator, state: str) -> ChannelClient:
        return ChannelClient(self.store, sim.country, sim.pinned, self.base / "state" / state)

    def replay(self, *roles: str) -> None:
        """Put the files of the other in the place of the own."""
        for key in list(self.store.objects):
            _, country, name = key.split("/", 2)
            role = name.removesuffix(".json").rpartition(".")[2]
            if country == self.other.country and role in roles:
                self.store.objects[self.own.key(name)] = self.store.objects[key]


@pytest.fixture(
    params=[("", PAIRS[0]), ("older", PAIRS[0]), *(("", pair) for pair in PAIRS[1:])],
    ids=["named", "made-by-an-older-pe_dvc", "uk-as-its-producer", "a-producer-as-uk"],
)
def pair(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Pair:
    older, countries = request.param
    if older:
        for module in (initial_metadata, next_version, snapshot):
            monkeypatch.setattr(module, "write_country_and_role", lambda *_: None)
    return Pair(tmp_path, *countries)


@pytest.fixture(params=["other", "own", "both", "neither"], ids="knows-{}".format)
def knows(request: pytest.FixtureRequest) -> str:
    known: str = request.param
    return known


def meet(pair: Pair, knows: str) -> None:
    """Let the reader read the countries that it knows."""
    both = {"other": pair.other, "own": pair.own}
    for sim in both.values() if knows == "both" else [both[knows]] if knows in both else []:
        pair.client(sim, "reader").pointers("latest")


def served_or_refused(pair: Pair) -> None:
    """Check that the own reader gets what the country has signed, or else a refusal."""
    own = pair.own.country
    with suppress(VerificationError):
        assert pair.client(pair.own, "reader").pointers("latest") == [pointer_of(own)]
    with suppress(VerificationError):
        assert pair.client(pair.own, "reader").releases() == {"1.0.0": released(own)}


@pytest.mark.parametrize(
    "roles", [[*ROLES], *([role] for role in ROLES), [*ROLES[1:]], [*ROLES[:3]], [*ROLES[3:]]]
)
def test_metadata_of_another_country_replayed(pair: Pair, knows: str, roles: list[str]) -> None:
    meet(pair, knows)
    pair.replay(*roles)
    served_or_refused(pair)
    other = pair.other.country
    assert pair.client(pair.other, "reader").pointers("latest") == [pointer_of(other)]


@pytest.mark.parametrize("role", ["latest", "releases"])
def test_a_channel_of_another_country_replayed_with_the_stolen_online_keys(
    pair: Pair, knows: str, role: str
) -> None:
    """The thief's snapshot and timestamp name the file that the other country has signed."""
    meet(pair, knows)
    data = pair.store.objects[pair.other.key(f"2.{role}.json")]
    pair.store.objects[pair.own.key(f"2.{role}.json")] = data
    pair.own.point_at({role: data})
    client = pair.client(pair.own, "reader")
    with pytest.raises(VerificationError):
        _ = client.releases() if role == "releases" else client.pointers(role)


def test_the_root_of_another_country_in_the_place_of_the_next_one(pair: Pair, knows: str) -> None:
    """The root key is shared as well: its second root follows from our first."""
    meet(pair, knows)
    pair.other.rotate("timestamp")
    pair.other.publish()
    pair.replay("root", *ROLES)
    with pytest.raises(VerificationError, match="another country"):
        pair.client(pair.own, "reader").pointers("latest")


def test_the_root_of_another_country_given(pair: Pair) -> None:
    other, own = pair.other, pair.own.country
    with pytest.raises(
        VerificationError, match=f"says that it is of '{other.country}', and {own} was asked for"
    ):
        ChannelClient(pair.store, own, other.pinned, pair.base / "state")


def test_what_another_country_has_put_into_the_state_goes_away_with_the_attack(
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
            client = pair.client(pair.own, "reader")
            assert client.pointers("latest") == [pointer_of("uk")]
            assert client.releases() == {"1.0.0": released("uk")}


def test_an_empty_channel_of_us_says_nothing_of_uk(tmp_path: Path, each_bucket: None) -> None:
    """No path tells whose it is: the field does."""
    pair = Pair(tmp_path)
    empty = pair.store.objects["channels/us/1.revoked.json"]
    pair.store.objects["channels/uk/1.revoked.json"] = empty
    pair.own.point_at({"revoked": empty})
    with pytest.raises(VerificationError, match="another country"):
        pair.client(pair.own, "reader")._role("revoked")
