"""Publishers of one channel: the loser's change goes onto the winner's, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pe_dvc.primitives.errors import ConflictError, DigestMismatchError
from pe_dvc.trust.ancestry import Committed, plain
from pe_dvc.trust.tuf_api import TargetFile, Targets
from pe_dvc.usecases.channel.pointers import read_pointers, superseded_manifests
from pe_dvc.usecases.channel.update import update_channel
from pe_dvc.usecases.publish import channel, publication, snapshot
from pe_dvc.usecases.publish.publication import Publication
from pe_dvc.usecases.publish.publisher import Publisher
from pe_dvc.usecases.publish.rebase import Rebased
from pe_dvc.usecases.publish.three_way_merge import merge
from tests.support.faults import Killed
from tests.support.simulator import EVERY_MANIFEST, NOW, Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer

A, A2, B, B2, C = (
    pointer("a", "a1"),
    pointer("a", "a2"),
    pointer("b", "b1"),
    pointer("b", "b2"),
    pointer("c", "c1"),
)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "FIRST_PAUSE", 0)


@pytest.fixture
def sim(tmp_path: Path) -> Simulator:
    """A country whose channel has the datasets a and b, in version 2."""
    made = Simulator(tmp_path)
    made.update(A, B)
    made.publish()
    return made


def push(sim: Simulator) -> Rebased | None:
    publication = Publication(sim.store, sim.metadata, Publisher(sim.signers, now=NOW))
    return publication.publish_channels(known=EVERY_MANIFEST)[1]


def in_git(sim: Simulator) -> list[Pointer]:
    return list(read_pointers(sim.metadata, "latest").values())


def test_a_first_version_that_already_has_datasets_is_built_upon(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    never = Committed(data=b"", where="")
    update_channel(sim.directory, "us", "latest", [A, B], sim.signers, now=NOW, committed=never)
    assert sim.publish().versions["latest"] == 1
    rival = sim.clone("rival")
    rival.update(A, B2)
    sim.update(A2, B)
    assert push(rival) is None
    assert push(sim) == Rebased(
        channel="latest", version=3, ours=("a",), taken_over=("b",), rewritten=True
    )


def test_a_publisher_that_was_passed_over_is_told(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its version was in the bucket, and no snapshot named it yet: the first to be seen won."""
    rival = sim.clone("rival")
    rival.update(A2, B)
    sim.update(pointer("a", "a3"), B)
    publish = snapshot.publish_snapshot

    def late(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(channel, "publish_snapshot", publish)
        assert push(rival) == Rebased(
            channel="latest", version=4, ours=("a",), taken_over=(), rewritten=True
        )
        return publish(*arguments, **options)

    monkeypatch.setattr(channel, "publish_snapshot", late)
    with pytest.raises(ConflictError, match="both of you changed a"):
        push(sim)


def test_the_losers_change_goes_onto_the_winners(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A, B2)
    sim.update(A2, B)
    assert push(rival) is None
    assert push(sim) == Rebased(
        channel="latest", version=4, ours=("a",), taken_over=("b",), rewritten=True
    )
    assert sim.client().pointers("latest") == [A2, B2] == in_git(sim)
    assert sim.store.objects[sim.key("4.latest.json")] == sim.files.read_bytes("latest")
    before = len(sim.store.writes)
    assert push(sim) is None
    assert len(sim.store.writes) == before


def test_datasets_added_and_removed_by_both(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A, B, C)
    push(rival)
    sim.update(B)
    rebased = push(sim)
    assert rebased is not None
    assert (rebased.ours, rebased.taken_over) == (("a",), ("c",))
    assert sim.client().pointers("latest") == [B, C]


def test_the_same_dataset_changed_by_both_is_a_conflict_that_names_it(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    sim.update(A2, pointer("b", "b3"))
    mine = sim.files.read_bytes("latest")
    with pytest.raises(ConflictError, match=r"both of you changed b\n") as caught:
        push(sim)
    assert "git pull" in str(caught.value.remedy)
    assert sim.files.read_bytes("latest") == mine
    assert sim.client().pointers("latest") == [A, B2]


def test_the_same_change_made_by_both_is_no_conflict(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A2, B2)
    push(rival)
    sim.update(A2, B)
    assert push(sim) is not None
    assert sim.client().pointers("latest") == [A2, B2]


def test_without_the_key_the_loser_is_told(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    sim.update(A2, B)
    (sim.keys_dir / "us" / "latest.pem").rename(sim.base / "away.pem")
    with pytest.raises(ConflictError, match=r"another publisher was first.*differs in a, b"):
        push(sim)


def test_nothing_of_ours_leaves_git_alone(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    before = len(sim.store.writes)
    rebased = push(sim)
    assert rebased is not None
    assert (rebased.ours, rebased.taken_over, rebased.rewritten) == ((), ("b",), False)
    assert in_git(sim) == [A, B]
    assert len(sim.store.writes) == before


def test_several_unpublished_versions_do_not_pass_over_anothers(sim: Simulator) -> None:
    """Ours has a higher number than the winner's, and was not made from it."""
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    sim.update(A, B, C)
    sim.update(A2, B, C)
    assert sim.files.read("latest", Targets).signed.version == 4
    rebased = push(sim)
    assert rebased is not None
    assert rebased.version == 4
    assert sim.client().pointers("latest") == [A2, B2, C]


def test_overtaken_between_the_look_and_the_snapshot(sim: Simulator) -> None:
    """Ours skips a number, so both versioned files can be created: the snapshot must tell."""
    rival = sim.clone("rival")
    rival.update(A, B2)
    sim.update(A, B, C)
    sim.update(A2, B, C)
    done: list[int] = []

    def hook(number: int, operation: str, key: str) -> None:
        if (operation, key) == ("create", sim.key("4.latest.json")) and not done:
            done.append(number)
            push(rival)

    sim.store.before = hook
    rebased = push(sim)
    assert rebased is not None
    assert rebased.version == 5, "the number of the file that was overtaken is taken"
    assert sim.client().pointers("latest") == [A2, B2, C]


def test_what_was_taken_over_is_not_taken_back_by_the_next_build(sim: Simulator) -> None:
    """The clone still has the manifest of the old b: its pointers say so, and mean nothing."""
    rival = sim.clone("rival")
    rival.update(A, B2, C)
    push(rival)
    sim.update(A2, B)
    push(sim)
    assert superseded_manifests(sim.metadata, "latest") == {
        "b": B.manifest_sha256,
        "c": None,
    }
    update = sim.update(pointer("a", "a3"), B)
    assert (update.replaced, update.removed, update.kept) == (("a",), (), ("b", "c"))
    push(sim)
    assert sim.client().pointers("latest") == [pointer("a", "a3"), B2, C]
    # After git pull the manifests are there, and the datasets are as good as our own.
    update = sim.update(pointer("a", "a4"), B2, C)
    assert update.kept == ()
    assert superseded_manifests(sim.metadata, "latest") == {}
    assert sim.update(pointer("a", "a4"), B).removed == ("c",)


def test_what_was_taken_over_may_change_again_elsewhere(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    sim.update(A2, B)
    push(sim)
    rival.update(A, pointer("b", "b3"))
    push(rival)
    sim.update(pointer("a", "a3"), B)
    push(sim)
    assert sim.client().pointers("latest") == [pointer("a", "a3"), pointer("b", "b3")]
    assert superseded_manifests(sim.metadata, "latest")["b"] == B.manifest_sha256


def test_an_unfinished_version_is_built_upon(sim: Simulator) -> None:
    """Its publisher died before the snapshot and never comes back."""
    rival = sim.clone("rival")
    rival.update(A, B2)

    def die(number: int, operation: str, key: str) -> None:
        if key == sim.key("2.snapshot.json") and operation == "create":
            raise Killed

    sim.store.before = die
    with pytest.raises(Killed):
        push(rival)
    sim.store.before = lambda number, operation, key: None
    sim.update(A2, B)
    push(sim)
    assert sim.client().pointers("latest") == [A2, B2]


def test_killed_after_the_rebased_version_was_published(sim: Simulator) -> None:
    """Git has the change alone; the rerun finds that it is published, and takes the rest over."""
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    sim.update(A2, B)
    mine = sim.files.read_bytes("latest")
    push(sim)
    published = sim.files.read_bytes("latest")
    sim.files.path("latest").write_bytes(mine)
    before = len(sim.store.writes)
    rebased = push(sim)
    assert rebased is not None
    assert (rebased.version, rebased.rewritten) == (4, True)
    assert sim.files.read_bytes("latest") == published
    assert len(sim.store.writes) == before


def test_older_version_put_in_the_newests_place_is_not_built_upon(sim: Simulator) -> None:
    """An attacker has the CI sign the loss of what was published last."""
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    sim.update(A2, B)
    sim.store.objects[sim.key("3.latest.json")] = sim.store.objects[sim.key("2.latest.json")]
    with pytest.raises((DigestMismatchError, ConflictError)):
        push(sim)
    assert sim.key("4.latest.json") not in sim.store.objects


def test_unsigned_versions_take_no_number(sim: Simulator) -> None:
    rival = sim.clone("rival")
    rival.update(A, B2)
    push(rival)
    sim.update(A2, B)
    metadata = sim.files.read("latest", Targets)
    metadata.signed.version = 2_000_000_000
    sim.plant("2000000000.latest.json", metadata, "timestamp")
    rebased = push(sim)
    assert rebased is not None
    assert rebased.version == 4


def test_gives_up_within_a_bound(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "ATTEMPTS", 3)
    rival = sim.clone("rival")
    sim.update(A2, B)
    runs: list[int] = []

    def busy(number: int, operation: str, key: str) -> None:
        if operation == "create" and ".latest.json" in key and len(runs) % 2 == 0:
            runs.append(number)
            rival.update(A, pointer("b", f"b{number}"))
            push(rival)
            runs.append(number)

    sim.store.before = busy
    with pytest.raises(ConflictError, match=r"kept changing channel latest of us .* 3 attempts"):
        push(sim)


CHANNELS = st.dictionaries(
    st.sampled_from([f"us/latest/{name}" for name in "abcd"]), st.integers(0, 3)
)


def targets_of(contents: dict[str, int]) -> Targets:
    made = Targets(expires=NOW)
    for path, number in contents.items():
        target = pointer(path[-1], f"{path[-1]}{number}").to_target()
        made.targets[path] = TargetFile.from_dict(target, path)
    return made


@settings(max_examples=300)
@given(before=CHANNELS, ours=CHANNELS, theirs=CHANNELS)
def test_a_merge_has_both_changes_or_names_what_both_changed(
    before: dict[str, int], ours: dict[str, int], theirs: dict[str, int]
) -> None:
    common = plain(targets_of(before))
    mine, published = plain(targets_of(ours)), plain(targets_of(theirs))
    paths = before.keys() | ours.keys() | theirs.keys()
    both = {p for p in paths if before.get(p) != ours.get(p) != theirs.get(p) != before.get(p)}
    if both:
        with pytest.raises(ConflictError) as caught:
            merge(common, targets_of(ours), targets_of(theirs))
        named = caught.value.message.rpartition("changed ")[2].split(", ")
        assert named == sorted(path[-1] for path in both)
        return
    merged = merge(common, targets_of(ours), targets_of(theirs))
    for path in paths:
        wanted = mine if before.get(path) != ours.get(path) else published
        assert merged.targets.get(path) == wanted.get(path)
