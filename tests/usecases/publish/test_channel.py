"""Publishing: idempotent, refused where readers would refuse, and told apart from other's work."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import (
    ConflictError,
    ExpiredError,
    NotFoundError,
    RollbackError,
    SignatureError,
)
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import Key, Root, Targets
from pe_dvc.usecases.channel.keys import KeyRing
from pe_dvc.usecases.channel.roles import renew_role, sign_role
from pe_dvc.usecases.channel.update import update_channel
from pe_dvc.usecases.publish.channel import publish_channels
from tests.support.simulator import NOW, Simulator, days, pointer

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW, OTHER = pointer("cps_2024", "old"), pointer("cps_2024", "new"), pointer("states/AL")


def test_first_publication_writes_files_before_what_names_them(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    sim.update(NEW)
    published = sim.publish()
    names = [key.rpartition("/")[2] for key in published.written]
    assert names[0] == "1.root.json"
    assert set(names[1:6]) == {
        "1.targets.json",
        "2.latest.json",
        "1.next.json",
        "1.revoked.json",
        "1.releases.json",
    }
    assert names[6:] == [
        *("1.snapshot.json", "6", "6"),
        *("checkpoint", "timestamp.json", "latest.json", "next.json"),
    ]
    assert published.versions == {
        "targets": 1,
        "latest": 2,
        "next": 1,
        "revoked": 1,
        "releases": 1,
    }
    assert published.summary == "latest 2, next 1 (published)"


def test_the_bucket_holds_the_bytes_of_git(sim: Simulator) -> None:
    for role, name in (("latest", "3.latest.json"), ("root", "1.root.json")):
        assert sim.store.objects[sim.key(name)] == sim.files.read_bytes(role)
    assert sim.store.objects[sim.key("latest.json")] == sim.files.read_bytes("latest")


def test_a_second_push_writes_nothing_and_needs_no_key(sim: Simulator) -> None:
    before = len(sim.store.writes)
    sim.signers = Signers("us", environ={})
    published = sim.publish()
    assert published.written == ()
    assert published.summary == "latest 3, next 1 (already there)"
    assert len(sim.store.writes) == before


def test_an_update_writes_its_file_a_snapshot_and_the_timestamp(sim: Simulator) -> None:
    sim.update(OTHER)
    assert sim.publish().written == tuple(
        sim.key(name)
        for name in (
            *("4.latest.json", "3.snapshot.json"),
            *("log/tile/0/000.p/8", "log/tile/entries/000.p/8", "log/checkpoint"),
            *("timestamp.json", "latest.json"),
        )
    )
    assert sim.client("knowing").pointers("latest") == [OTHER]


def test_ageing_timestamp_and_snapshot_are_renewed(sim: Simulator) -> None:
    sim.now = NOW + days(6)
    assert sim.publish().written == ()
    sim.now = NOW + days(8)
    stamped = (sim.key("log/checkpoint"), sim.key("timestamp.json"))
    assert sim.publish().written == stamped
    sim.now = NOW + days(16)
    assert sim.publish().written == (sim.key("3.snapshot.json"), *stamped)
    assert sim.held("timestamp.json").signed.expires == NOW + days(30)
    assert sim.client("knowing").lookup("latest", "cps_2024") == NEW


def test_expiry_periods_are_read_from_the_metadata(sim: Simulator) -> None:
    root = sim.metadata.root
    root.signed.roles["timestamp"].unrecognized_fields["x-pe-dvc-expiry-days"] = 2
    root.signed.version = 2
    root.sign(sim.signer("root"))
    sim.files.write("root", root)
    sim.now = NOW + days(13.5)
    sim.publish()
    assert sim.held("timestamp.json").signed.expires == NOW + days(15.5)


def test_unsigned_metadata_is_refused(sim: Simulator) -> None:
    before = dict(sim.store.objects)
    update_channel(sim.directory, "us", "latest", [OLD], Signers("us", environ={}), now=NOW)
    with pytest.raises(SignatureError, match=r"latest version 4 .* 0 of its keys") as caught:
        sim.publish()
    assert "pe-dvc channel sign latest" in str(caught.value.remedy)
    assert sim.store.objects == before


def test_metadata_under_threshold_is_refused_until_the_second_reviewer_signs(
    tmp_path: Path,
) -> None:
    sim = Simulator(tmp_path, thresholds={"next": 2})
    second = sim.keys_dir / "us" / "next-2.pem"
    away = second.rename(tmp_path / "next-2.pem")
    update = sim.update(pointer("cps_2024", channel="next"), channel="next")
    assert (update.signed, update.missing) == (False, 1)
    with pytest.raises(SignatureError, match="1 of its keys, and 2 must sign"):
        sim.publish()
    signers = Signers("us", environ={"PE_DVC_SIGNER_NEXT": f"file2:{away}"})
    assert sign_role(sim.directory, "us", "next", signers, now=NOW).missing == 0
    assert sim.publish().versions["next"] == 2
    assert len(sim.client().pointers("next")) == 1


def test_expired_metadata_is_refused_until_it_is_renewed(sim: Simulator) -> None:
    sim.now = NOW + days(366)
    with pytest.raises(ExpiredError, match="root version 1 expired on"):
        sim.publish()
    KeyRing(sim.directory, "us", sim.signers, now=sim.now).renew("root")
    with pytest.raises(ExpiredError, match="targets version 1 expired on"):
        sim.publish()
    for role in ("targets", "latest", "next", "revoked", "releases"):
        renew_role(sim.directory, "us", role, sim.signers, now=sim.now)
    assert sim.publish().versions["latest"] == 4


def test_no_keys_of_the_online_roles(sim: Simulator) -> None:
    (sim.keys_dir / "us" / "snapshot.pem").unlink()
    sim.update(OTHER)
    with pytest.raises(SignatureError, match="new snapshot: snapshot version 3 has valid"):
        sim.publish()


def test_no_channels(tmp_path: Path, sim: Simulator) -> None:
    nothing = SignedMetadata(ChannelFiles(tmp_path / "none", "us"))
    with pytest.raises(NotFoundError, match=r"root\.json does not exist"):
        publish_channels(bucket_of(sim.store, nothing), nothing, sim.publisher)


def test_the_second_of_two_publishers_is_told_what_moved(sim: Simulator) -> None:
    twin = sim.clone("twin")
    sim.update(NEW, OTHER, pointer("frs"))
    twin.update(OLD, pointer("acs"))
    sim.publish()
    before = dict(sim.store.objects)
    with pytest.raises(ConflictError) as caught:
        twin.publish()
    assert "latest version 4, git holds version 4" in caught.value.message
    assert "it has frs, states/AL; it lacks acs; it differs in cps_2024" in caught.value.message
    assert "git pull" in str(caught.value.remedy)
    assert sim.store.objects == before
    shutil.copy(sim.files.path("latest"), twin.files.path("latest"))
    twin.update(OLD, OTHER, pointer("acs"), pointer("frs"))
    assert twin.publish().versions["latest"] == 5


def test_a_checkout_that_is_behind_is_told_so(sim: Simulator) -> None:
    twin = sim.clone("twin")
    sim.update(OTHER)
    sim.publish()
    with pytest.raises(ConflictError, match="latest version 4, git holds version 3"):
        twin.publish()


def test_another_root_is_a_conflict(sim: Simulator, tmp_path: Path) -> None:
    stranger = Simulator(tmp_path / "stranger", store=sim.store)
    with pytest.raises(ConflictError, match="another root than version 1 in git"):
        stranger.publish()


def test_a_newer_root_is_a_conflict(sim: Simulator) -> None:
    twin = sim.clone("twin")
    sim.rotate("snapshot")
    sim.publish()
    with pytest.raises(ConflictError, match="newer than root version 1 in git"):
        twin.publish()


def test_the_same_metadata_with_another_signature_is_no_conflict(tmp_path: Path) -> None:
    """Two of three reviewers sign here, another two there: the bucket's bytes stand."""
    sim = Simulator(tmp_path, thresholds={"next": 2})
    keys = sim.keys_dir / "us"
    targets = sim.metadata.targets
    (third,) = generate_keys(sim.keys_dir, "us", {"next": 3})["next"][2:]
    targets.signed.add_key(third, "next")
    targets.sign(sim.signer("targets"))
    sim.files.write("targets", targets)
    twin = sim.clone("twin")
    for checkout, absent in ((sim, "next-3.pem"), (twin, "next-2.pem")):
        (keys / absent).rename(tmp_path / absent)
        checkout.update(pointer("cps_2024", channel="next"), channel="next")
        (tmp_path / absent).rename(keys / absent)
    assert sim.files.read_bytes("next") != twin.files.read_bytes("next")
    sim.publish()
    assert [k for k in twin.publish().written if k.endswith("next.json")] == [sim.key("next.json")]
    assert len(sim.client().pointers("next")) == 1


def test_a_planted_versioned_file_makes_way(sim: Simulator) -> None:
    sim.update(OTHER)
    forged = sim.files.read("latest", Targets)
    forged.signed.targets.clear()
    sim.plant("4.latest.json", forged, "next")
    assert sim.publish().replaced == (sim.key("4.latest.json"),)
    assert sim.client("knowing").pointers("latest") == [OTHER]


def test_a_planted_timestamp_makes_way(sim: Simulator) -> None:
    timestamp = sim.held("timestamp.json")
    timestamp.signed.version += 1
    sim.plant("timestamp.json", timestamp, "latest")
    sim.update(OTHER)
    sim.publish()
    assert sim.client("knowing").pointers("latest") == [OTHER]


@pytest.mark.parametrize("by", ["1.snapshot.json", None], ids=["an older one", "garbage"])
def test_a_swapped_snapshot_makes_way(sim: Simulator, by: str | None) -> None:
    other = sim.store.objects[sim.key(by)] if by else b"garbage"
    sim.store.objects[sim.key("2.snapshot.json")] = other
    sim.publish()
    assert sim.client("knowing").lookup("latest", "cps_2024") == NEW


def test_a_swapped_snapshot_takes_no_ones_work_back(sim: Simulator) -> None:
    """Ours was not made from the other publisher's, whichever number is higher."""
    twin = sim.clone("twin")
    sim.update(NEW, pointer("frs"))
    sim.publish()
    sim.store.objects[sim.key("3.snapshot.json")] = b"garbage"
    with pytest.raises(ConflictError, match="latest version 4, git holds version 3"):
        twin.publish()
    for name in ("acs", "scf"):
        twin.update(NEW, pointer(name))
    with pytest.raises(ConflictError, match="latest version 4, git holds version 5"):
        twin.publish()


def test_a_snapshot_that_takes_back_versions_is_called_out(sim: Simulator) -> None:
    """Left where the next one would go, with the stolen key of snapshot."""
    snapshot = sim.held("1.snapshot.json")
    snapshot.signed.version = 3
    sim.plant("3.snapshot.json", snapshot, "snapshot")
    sim.update(OTHER)
    with pytest.raises(RollbackError, match="names older metadata"):
        sim.publish()


def test_a_lost_timestamp_is_made_again(sim: Simulator) -> None:
    del sim.store.objects[sim.key("timestamp.json")]
    assert sim.publish().written == (sim.key("log/checkpoint"), sim.key("timestamp.json"))
    assert sim.client("knowing").lookup("latest", "cps_2024") == NEW


def test_lost_copies_are_made_again(sim: Simulator) -> None:
    sim.store.objects[sim.key("latest.json")] = b"defaced"
    del sim.store.objects[sim.key("next.json")]
    assert sim.publish().written == (sim.key("latest.json"), sim.key("next.json"))


def test_one_key_under_two_ids_is_not_published_until_one_is_removed(tmp_path: Path) -> None:
    sim, again = Simulator(tmp_path), "ab" * 32
    root = sim.files.read("root", Root)
    role = root.signed.roles["timestamp"]
    twin = Key.from_dict(again, root.signed.keys[role.keyids[0]].to_dict())
    root.signed.add_key(twin, "timestamp")
    root.signed.version, role.threshold = 2, 2
    root.signatures.clear()
    root.sign(sim.signer("root"))
    sim.files.write("root", root)
    sim.update(NEW)
    with pytest.raises(SignatureError, match="one key under two ids") as refused:
        sim.publish()
    assert not sim.store.objects
    assert "Remove one of them from timestamp" in str(refused.value.remedy)
    signers = Signers("us", sim.keys_dir, environ={})
    KeyRing(sim.directory, "us", signers, now=NOW).remove("timestamp", again, threshold=1)
    sim.publish()
    assert sim.client().lookup("latest", "cps_2024") == NEW
