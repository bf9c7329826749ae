"""The log of all that was published: continued by each publication, whoever else was there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.channel_log import Leaf, log_state
from pe_dvc.documents.keys import checkpoint_key, log_prefix
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.tlog.checkpoint import parse_checkpoint
from pe_dvc.tlog.note import parse_note
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.log_chain import root_of
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import MetaFile
from pe_dvc.usecases.channel.keys import KeyRing
from pe_dvc.usecases.publish import log_base
from pe_dvc.usecases.publish.channel import publish_channels
from pe_dvc.usecases.publish.log_checkpoint import verifier_key
from pe_dvc.usecases.publish.publisher import Publisher
from pe_dvc.usecases.publish.refresh import refresh_channel
from pe_dvc.usecases.retention.log_check import check_log
from pe_dvc.usecases.retention.repair import repair
from tests.support.channel_logs import checked_log, entries, shown_log, without_log
from tests.support.simulator import NOW, Simulator, days, pointer
from tests.support.thief import Thief, recover

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW, OTHER = pointer("cps_2024", "old"), pointer("cps_2024", "new"), pointer("states/AL")
FIRST = [("root", 1), ("targets", 1), ("latest", 2), ("next", 1), ("releases", 1), ("revoked", 1)]


def older_publisher(sim: Simulator) -> None:
    """Publish as a pe_dvc does that knows of no log: the bucket's tiles stay as they are."""
    kept = {key: data for key, data in sim.store.objects.items() if "/log/" in key}
    sim.publish()
    stamp = sim.held("timestamp.json")
    version = stamp.signed.snapshot_meta.version
    without_log(sim, f"{version}.snapshot.json", "snapshot")
    without_log(sim, "timestamp.json", "timestamp")
    for key in [key for key in sim.store.objects if "/log/" in key]:
        del sim.store.objects[key]
    sim.store.objects.update(kept)


def with_history(sim: Simulator, count: int) -> None:
    """Let the first log have so many entries more, of versions that no one remembers."""
    snapshot = sim.held("1.snapshot.json")
    state = log_state(snapshot.signed.unrecognized_fields, where="snapshot")
    assert state is not None
    more = [Leaf("latest", 1, f"{number:064x}", number) for number in range(1, count + 1)]
    leaves = (*more, *state.entries)
    data = [leaf.to_bytes() for leaf in leaves]
    index = {role: position + count for role, position in state.index.items()}
    state = replace(state, size=len(data), root=root_of(data), entries=leaves, index=index)
    snapshot.signed.unrecognized_fields[LOG_FIELD] = state.to_field()
    data_of_snapshot = sim.plant("1.snapshot.json", snapshot, "snapshot")
    stamp = sim.held("timestamp.json")
    stamp.signed.snapshot_meta = MetaFile.from_data(1, data_of_snapshot, ["sha256"])
    stamp.signed.unrecognized_fields[LOG_FIELD] = state.copy_for_timestamp().to_field()
    sim.plant("timestamp.json", stamp, "timestamp")
    for key in [key for key in sim.store.objects if "/log/" in key]:
        del sim.store.objects[key]
    sim.publish()


@pytest.fixture
def published(tmp_path: Path) -> Simulator:
    sim = Simulator(tmp_path)
    sim.update(OLD)
    sim.publish()
    return sim


def test_the_first_log_has_all_that_is_shown(published: Simulator) -> None:
    assert sorted(entries(published.store)) == sorted(FIRST)


def test_each_publication_adds_what_it_changed(published: Simulator) -> None:
    before = shown_log(published.store)
    published.update(NEW)
    published.publish()
    assert entries(published.store)[6:] == [("latest", 3)]
    published.now = NOW + days(16)
    published.publish()  # renews snapshot and timestamp
    published.update(OTHER)
    published.publish()
    assert entries(published.store)[6:] == [("latest", 3), ("latest", 4)]
    checked_log(published.store, earlier=before)


def test_a_root_pushed_without_the_online_keys_is_logged_by_the_next_push(
    published: Simulator, tmp_path: Path
) -> None:
    """Who holds the root's keys alone publishes it at once, as before there was a log."""
    ring = KeyRing(published.directory, "us", published.signers, now=NOW)
    ring.renew("root")
    offline = Signers("us", tmp_path / "none", environ={})
    bucket = bucket_of(published.store, published.metadata)
    written = publish_channels(bucket, published.metadata, Publisher(offline, now=NOW)).written
    assert written == (published.key("2.root.json"),)
    assert ("root", 2) not in entries(published.store)
    published.update(NEW)
    published.publish()
    assert entries(published.store)[6:] == [("root", 2), ("latest", 3)]


def test_the_log_grows_over_many_tiles_as_one_tree(published: Simulator) -> None:
    """A tile has 256 entries, so that the tree gets a second level of tiles."""
    with_history(published, 250)
    states = [shown_log(published.store)]
    for number in range(6):
        published.update(pointer("cps_2024", str(number)))
        published.publish()
        states.append(shown_log(published.store))
    for state in states:
        checked_log(published.store, earlier=state)
    assert len(entries(published.store)) == 262
    assert published.publish().written == ()
    for key in [key for key in published.store.objects if "/log/" in key]:
        del published.store.objects[key]
    assert published.publish().written, "the log is written again"
    checked_log(published.store, earlier=states[0])


def test_the_checkpoint_is_signed_by_the_key_of_the_timestamp(published: Simulator) -> None:
    data = published.store.objects[checkpoint_key("us")]
    note = parse_note(data, where="checkpoint")
    key = verifier_key(published.signer("timestamp").public_key, "pe-dvc/us")
    assert key is not None
    note.verify(key)
    said, shown = parse_checkpoint(note.text, where="checkpoint"), shown_log(published.store)
    assert shown is not None
    assert (said.origin, said.size, said.root) == ("pe-dvc/us", shown.size, shown.root)


def test_an_older_publisher_in_between_ends_no_log(published: Simulator) -> None:
    before = shown_log(published.store)
    published.update(NEW)
    older_publisher(published)
    assert shown_log(published.store) is None
    published.update(OTHER)
    older_publisher(published)
    assert published.publish().written, "what readers are shown is logged, though it is not new"
    assert entries(published.store)[6:] == [("latest", 4)]
    checked_log(published.store, earlier=before)
    assert published.publish().written == ()


def test_an_older_publisher_that_renews_the_timestamp_alone(published: Simulator) -> None:
    without_log(published, "timestamp.json", "timestamp")
    refresh_channel(
        published.store, published.directory, "us", Publisher(published.signers, now=NOW)
    )
    assert sorted(entries(published.store)) == sorted(FIRST)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_log_that_was_lost_or_damaged_is_written_again(published: Simulator, kept: int) -> None:
    before = shown_log(published.store)
    keys = sorted(key for key in published.store.objects if key.startswith(log_prefix("us")))
    for key in keys[kept:]:
        published.store.objects[key] = b"garbage"
    published.update(NEW)
    published.publish()
    checked_log(published.store, earlier=before)


def test_new_keys_of_the_online_roles_continue_the_log(published: Simulator) -> None:
    before = shown_log(published.store)
    published.rotate("snapshot", "timestamp")
    published.publish()
    assert entries(published.store)[6:] == [("root", 2)]
    checked_log(published.store, earlier=before)


def test_what_a_thief_of_online_keys_logged_stays_in_the_log(tmp_path: Path) -> None:
    """The log goes on after the theft: readers of the thief's version and others go on with it."""
    sim = Simulator(tmp_path)
    sim.update(OLD)
    sim.publish()
    before = shown_log(sim.store)
    Thief(sim).publish(9, OTHER)
    recover(sim)
    sim.publish()
    assert entries(sim.store)[6:8] == [("latest", 9), ("root", 2)]
    checked_log(sim.store, earlier=before)


def test_a_snapshot_removed_by_anyone_who_can_write_forks_no_log(published: Simulator) -> None:
    """Its entries are in the tiles, and the signed timestamp says that they count."""
    published.update(NEW)
    published.publish()
    before = shown_log(published.store)
    del published.store.objects[published.key("2.snapshot.json")]
    published.update(OTHER)
    published.publish()
    assert entries(published.store)[6:] == [("latest", 3), ("latest", 4)]
    checked_log(published.store, earlier=before)


def test_a_log_of_which_nothing_is_left_is_never_begun_again_by_online_keys(
    published: Simulator,
) -> None:
    """Readers would take the new one for a rewritten history."""
    for key in [*published.store.objects]:
        if "/log/" in key or key.endswith("snapshot.json"):
            del published.store.objects[key]
    published.update(NEW)
    with pytest.raises(VerificationError, match="entries of the log of us"):
        published.publish()


def test_a_new_root_begins_a_new_log(published: Simulator) -> None:
    for key in [*published.store.objects]:
        if "/log/" in key or key.endswith("snapshot.json"):
            del published.store.objects[key]
    root = published.metadata.root
    root.signed.version, root.signed.unrecognized_fields[LOG_FIELD] = 2, {"number": 2}
    root.signatures.clear()
    root.sign(published.signer("root"))
    published.files.write("root", root)
    published.publish()
    shown = shown_log(published.store)
    assert shown is not None
    assert shown.number == 2
    assert sorted(entries(published.store)) == sorted([*FIRST, ("root", 2)])
    note = parse_note(published.store.objects[checkpoint_key("us", 2)], where="checkpoint")
    assert note.text.startswith("pe-dvc/us/2\n")


def test_a_push_again_asks_once_for_the_log(published: Simulator) -> None:
    published.store.clear_record()
    published.publish()
    asked = [operation for operation, key in published.store.log if "/log/" in key]
    assert asked == ["head"]
    published.update(NEW)
    published.store.clear_record()
    published.publish()
    asked = [operation for operation, key in published.store.log if "/log/" in key]
    assert sorted(asked) == ["create", "create", "overwrite", "read", "read"]


def test_a_first_log_looks_back_a_little_only(
    published: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_base, "LOOKED_BACK", 1)
    for number in range(3):
        published.update(pointer("cps_2024", str(number)))
        published.publish()
    older_publisher(published)
    for key in [key for key in published.store.objects if "/log/" in key]:
        del published.store.objects[key]
    published.publish()
    assert entries(published.store)


def test_fsck_finds_what_is_wrong_with_the_log_and_has_what_is_right(published: Simulator) -> None:
    published.update(NEW)
    published.publish()
    roots = [root.signed for root in published.metadata.roots]
    bucket = ReadableChannels(published.store, "us", roots)
    assert check_log(bucket, read_head(bucket).snapshot).findings == []
    hashes, entries_key = (published.key(f"log/tile/{name}/000.p/7") for name in ("0", "entries"))
    right = {key: published.store.objects[key] for key in (hashes, entries_key)}
    published.store.objects[hashes] = bytes(7 * 32)
    del published.store.objects[entries_key]
    found = check_log(bucket, read_head(bucket).snapshot)
    assert {one.key: one.fault for one in found.findings} == {
        hashes: "corrupt",
        entries_key: "missing",
    }
    repair(published.store, found.findings, [], found.held)
    assert {key: published.store.objects[key] for key in right} == right
    checked_log(published.store)


def test_a_log_that_cannot_be_made_again_is_a_finding(published: Simulator) -> None:
    bucket = ReadableChannels(published.store, "us", [published.metadata.root.signed])
    snapshot = published.held("1.snapshot.json")
    field = snapshot.signed.unrecognized_fields[LOG_FIELD]
    field["root"] = "00" * 32
    data = published.plant("1.snapshot.json", snapshot, "snapshot")
    stamp = published.held("timestamp.json")
    stamp.signed.snapshot_meta = MetaFile.from_data(1, data, ["sha256"])
    published.plant("timestamp.json", stamp, "timestamp")
    (found,) = check_log(bucket, read_head(bucket).snapshot).findings
    assert (found.fault, found.key) == ("corrupt", log_prefix("us"))
    assert "are lost" in found.detail


def test_recovering_begins_a_new_log_where_that_is_asked_for(published: Simulator) -> None:
    ring = KeyRing(published.directory, "us", published.signers, now=NOW)
    for number in (2, 3):
        ring.recover([], new_log=True)
        published.publish()
        shown = shown_log(published.store)
        assert shown is not None
        assert shown.number == number
        assert ("root", number) in entries(published.store)
