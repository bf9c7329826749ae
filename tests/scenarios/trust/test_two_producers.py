"""Two producers of one country in one bucket: what one signs in the other's place.

Each has keys of its own, and both write to the bucket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.pins import list_pins, pin_root, pinned_root
from pe_dvc.trust.tuf_api import TargetFile, Targets
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

NAME = "enhanced_frs_2024"


@pytest.fixture(
    params=[("uk", "uk-microcosm"), ("uk-microcosm", "uk")], ids="{0[0]}-attacks".format
)
def pair(request: pytest.FixtureRequest, tmp_path: Path, each_bucket: None) -> list[Simulator]:
    """Return the attacker and its victim, who published in the same bucket."""
    attacker = Simulator(tmp_path / "attacker", request.param[0])
    victim = Simulator(tmp_path / "victim", request.param[1], store=attacker.store)
    for sim in (attacker, victim):
        sim.update(pointer(NAME, f"of {sim.country}", country=sim.country))
        sim.publish()
    return [attacker, victim]


def holds(victim: Simulator, state: str = "reader") -> None:
    assert victim.client(state).pointers("latest") == [
        pointer(NAME, f"of {victim.country}", country=victim.country)
    ]


def test_each_reads_its_own(pair: list[Simulator]) -> None:
    for sim in pair:
        holds(sim)


def test_a_pointer_to_the_others_dataset_signed_with_the_own_key(pair: list[Simulator]) -> None:
    """The channel of the attacker speaks of the victim: it is refused whole."""
    attacker, victim = pair
    foreign = pointer(NAME, "evil", country=victim.country)
    with pytest.raises(FormatError, match="does not belong here"):
        attacker.update(foreign)
    metadata = attacker.files.read("latest", Targets)
    metadata.signed.targets[foreign.target_path] = TargetFile.from_dict(
        foreign.to_target(), foreign.target_path
    )
    metadata.signed.version = 3
    planted = attacker.plant("3.latest.json", metadata, "latest")
    attacker.point_at({"latest": planted})
    with pytest.raises(VerificationError, match="does not belong here"):
        attacker.client().pointers("latest")
    holds(victim)


def test_all_metadata_put_in_the_others_place(pair: list[Simulator]) -> None:
    """Own signatures, own root: the victim's pinned root knows none of these keys."""
    attacker, victim = pair
    holds(victim)
    for key, data in dict(attacker.store.objects).items():
        _, country, name = key.split("/", 2)
        if country == attacker.country:
            attacker.store.objects[victim.key(name)] = data
    with pytest.raises(VerificationError):
        victim.client("reader").pointers("latest")
    with pytest.raises(VerificationError):
        victim.client().pointers("latest")


def test_the_others_root_is_not_pinned_in_its_place(pair: list[Simulator], tmp_path: Path) -> None:
    attacker, victim = pair
    with pytest.raises(FormatError, match=f"this is the root of {attacker.country}, not of"):
        pin_root(tmp_path / "config", victim.country, attacker.pinned)
    for sim in pair:
        pin_root(tmp_path / "config", sim.country, sim.pinned)
    assert list_pins(tmp_path / "config").keys() == {"uk", "uk-microcosm"}
    assert [pinned_root(tmp_path / "config", sim.country) for sim in pair] == [
        sim.pinned for sim in pair
    ]


def test_state_of_one_is_not_the_others(pair: list[Simulator], tmp_path: Path) -> None:
    def client(sim: Simulator) -> ChannelClient:
        return ChannelClient(sim.store, sim.country, sim.pinned, tmp_path / "state")

    for sim in (*pair, *pair):
        found: Any = client(sim).pointers("latest")
        assert [one.country for one in found] == [sim.country]
    assert len(list((tmp_path / "state/channels").iterdir())) == 2
