"""Only stewards withdraw, and what they withdraw goes, however often that fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.revocation import Revocation
from pe_dvc.documents.tombstone import Tombstone
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotDeletedError,
    NotFoundError,
    PeDvcError,
    RevokedError,
    StorePermissionError,
)
from pe_dvc.project.fsck import fsck
from pe_dvc.project.push import push
from pe_dvc.project.revoke import remove_revoked, revoke, unrevoke
from pe_dvc.trust.keys import load_key_file
from pe_dvc.trust.tuf_api import TargetFile, Targets
from tests.support.faults import Killed
from tests.support.kept_repo import NAMES, KeptRepo
from tests.support.revoking import NAME, OTHER, SAID, STORES, Bench, bench_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


@pytest.fixture(params=STORES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return bench_on(request.param, request, tmp_path, monkeypatch)


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    kept = KeptRepo(tmp_path, monkeypatch)
    return Bench(kept, kept.bucket.objects)


def test_it_goes_and_nothing_else(bench: Bench) -> None:
    before = dict(bench.objects)
    done = bench.revoke(f"us/{NAME}@latest")
    assert done.affected.channels == (f"pe-data://us/{NAME}@latest",)
    assert bench.payload in done.affected.files
    pushed = bench.publish()
    assert pushed.removal is not None
    assert pushed.removal.is_complete
    gone = {key for key in before if key not in bench.objects}
    assert gone == set(pushed.removal.removed) == {bench.payload, bench.chunks}
    said = Tombstone.from_bytes(bench.objects[bench.tombstone], where="")
    assert (said.revocation, said.role_version) == (done.entries[0], 2)
    assert manifest_key("us", bench.sha256) in bench.objects
    assert bench.faults() == []


def test_a_key_of_ci_signs_no_withdrawal(bench: Bench) -> None:
    """CI has the keys of latest, snapshot and timestamp: it can push, and not withdraw."""
    steward = next((bench.kept.base / "keys/us").glob("revoked*.pem"))
    steward.rename(bench.kept.base / "steward.pem")
    done = bench.revoke()
    assert done.role is not None
    assert not done.role.signed
    files = bench.kept.files.channels.files
    metadata = files.read("revoked", Targets)
    signer = load_key_file(next((bench.kept.base / "keys/us").glob("latest*.pem")))
    metadata.sign(signer, append=True)
    files.write("revoked", metadata)
    pushed = bench.publish()
    assert "0 of the 1 signatures" in pushed.channel.waiting["revoked"]
    assert pushed.removal is None
    assert pushed.withheld == ()
    assert bench.payload in bench.objects
    assert bench.tombstone not in bench.objects
    assert bench.faults() == []


def test_without_any_key_the_draft_waits_and_nothing_goes(bench: Bench) -> None:
    (bench.kept.base / "keys").rename(bench.kept.base / "away")
    done = bench.revoke()
    assert done.role is not None
    assert not done.role.signed
    (bench.kept.base / "away").rename(bench.kept.base / "keys")
    assert bench.faults() == []
    pushed = bench.publish()
    assert "0 of the 1 signatures" in pushed.channel.waiting["revoked"]
    assert bench.payload in bench.objects


def test_an_entry_of_another_role_withdraws_nothing(bench: Bench) -> None:
    """CI puts it into its own role, latest, which it may sign."""
    entry = bench.revoke(dry_run=True).entries[0]
    kept = bench.kept.files.channels
    metadata = kept.files.read("latest", Targets)
    target = TargetFile.from_dict(entry.to_target(), entry.target_path)
    metadata.signed.targets[entry.target_path] = target
    metadata.signed.version += 1
    metadata.signatures.clear()
    kept.signers.sign(kept.metadata.targets.signed, "latest", metadata)
    kept.files.write("latest", metadata)
    with pytest.raises(PeDvcError):
        bench.publish()
    assert bench.payload in bench.objects
    assert bench.tombstone not in bench.objects


@pytest.mark.parametrize("what", ["payload", "chunks"])
def test_no_permission_to_delete(bench: Bench, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays is named, the rest goes, and whoever may removes it later."""
    key = getattr(bench, what)

    purge = bench.store.purge

    def refused(keys: Iterable[str]) -> None:
        wanted = set(keys)
        purge(wanted - {key})
        if key in wanted:
            denied = StorePermissionError("403", operation="delete", key=key)
            raise NotDeletedError({key: denied}, of=len(wanted))

    bench.revoke()
    monkeypatch.setattr(bench.store, "purge", refused)
    pushed = bench.publish()
    assert pushed.removal is not None
    assert pushed.removal.left.keys() >= {key}
    assert not pushed.removal.is_complete
    assert key in bench.objects
    assert bench.tombstone in bench.objects
    assert ("not removed", key) in bench.faults()
    monkeypatch.setattr(bench.store, "purge", purge)
    assert remove_revoked(bench.kept.repo).is_complete
    assert bench.faults() == []


def test_another_countrys_artifact(bench: Bench) -> None:
    with pytest.raises(FormatError, match="of another country"):
        bench.revoke(f"uk/{NAME}@sha256:{bench.sha256}")
    entry = bench.revoke().entries[0]
    kept = bench.kept.files.channels
    metadata = kept.files.read("revoked", Targets)
    (target,) = metadata.signed.targets.values()
    target.path = entry.target_path.replace("us/", "uk/", 1)
    metadata.signed.targets = {target.path: target}
    metadata.signatures.clear()
    kept.signers.sign(kept.metadata.targets.signed, "revoked", metadata)
    kept.files.write("revoked", metadata)
    with pytest.raises(FormatError, match="does not belong here"):
        bench.publish()
    assert bench.payload in bench.objects


def test_a_forged_tombstone_denies_nothing(bench: Bench) -> None:
    entry = bench.revoke(dry_run=True).entries[0]
    bench.objects[bench.tombstone] = Tombstone(revocation=entry, role_version=2).to_bytes()
    assert bench.faults() == [("forged", bench.tombstone)]
    assert bench.publish().removal is None
    assert remove_revoked(bench.kept.repo).removed == ()
    assert bench.payload in bench.objects
    assert bench.tombstone not in bench.objects, "a removal clears what no entry vouches for"


def test_a_tombstone_that_says_otherwise(bench: Bench) -> None:
    bench.revoke()
    bench.publish()
    good = bench.objects[bench.tombstone]
    bench.objects[bench.tombstone] = good.replace(b"Census Bureau", b"Mallory")
    assert bench.faults() == [("forged", bench.tombstone)]
    assert remove_revoked(bench.kept.repo).tombstones == (bench.tombstone,)
    assert bench.objects[bench.tombstone] == good


def test_a_tombstone_without_removal(bench: Bench) -> None:
    """Someone restores the payload from a copy, or from an old version."""
    payload = bench.objects[bench.payload]
    bench.revoke()
    bench.publish()
    bench.objects[bench.payload] = payload
    assert bench.faults() == [("not removed", bench.payload)]
    assert fsck(bench.kept.repo, repair=True).unrepaired
    pushed = bench.publish()
    assert pushed.removal is not None
    assert pushed.removal.removed == (bench.payload,)
    assert bench.faults() == []


def test_a_removal_without_tombstone(bench: Bench) -> None:
    bench.revoke()
    bench.publish()
    tombstone = bench.objects[bench.tombstone]
    del bench.objects[bench.tombstone]
    assert bench.faults() == [("no tombstone", bench.tombstone)]
    assert fsck(bench.kept.repo, repair=True).repaired == [], "what is withdrawn stays away"
    bench.publish()
    assert bench.objects[bench.tombstone] == tombstone
    assert bench.faults() == []


def test_a_manifest_of_an_attacker_takes_nothing_else_along(bench: Bench) -> None:
    """It claims that the withdrawn bytes lie where another dataset has its own."""
    other = json.loads((bench.kept.files.root / f"manifests/{OTHER}.json").read_bytes())
    forged = json.loads((bench.kept.files.root / f"manifests/{NAME}.json").read_bytes())
    forged["artifact"]["name"] = "mallory"
    forged["artifact"]["dvc"] = other["artifact"]["dvc"]
    bench.objects[manifest_key("us", bench.sha256, "mallory")] = json.dumps(forged).encode()
    bench.revoke()
    bench.publish()
    assert payload_key("us", other["artifact"]["dvc"]["md5"]) in bench.objects
    assert bench.payload not in bench.objects


def test_killed_at_every_write(local: Bench, tmp_path: Path) -> None:
    local.revoke()
    local.kept.commit("Withdraw")
    start = dict(local.objects)
    local.store.clear_record()
    push(local.kept.repo)
    wanted = {k: v for k, v in local.objects.items() if not k.startswith("channels/")}
    changing = [
        number
        for number, (operation, _) in enumerate(local.store.log)
        if operation in {"create", "swap", "overwrite", "upload", "purge", "delete"}
    ]
    assert len(changing) > 8
    for number in changing:
        for moment in ("before", "after"):
            local.store.restore(start)
            local.store.clear_record()
            killed = _killing(number)
            setattr(local.store, moment, killed)
            with pytest.raises(Killed):
                push(local.kept.repo)
            published = "channels/us/timestamp.json"
            if local.tombstone in local.objects:
                assert local.objects[published] != start[published], "the role comes first"
            if local.payload not in local.objects or local.chunks not in local.objects:
                assert local.tombstone in local.objects, "then the tombstone"
            local.store.clear_record()
            for key in [key for key in local.objects if key.startswith("us/locks/")]:
                del local.objects[key]  # of a process that is gone, as far as others can tell
            push(local.kept.repo)
            left = {k: v for k, v in local.objects.items() if not k.startswith("channels/")}
            assert left == wanted, f"killed {moment} {number}"


def _killing(number: int) -> Callable[[int, str, str], None]:
    def hook(at: int, operation: str, key: str) -> None:
        if at == number:
            raise Killed

    return hook


def test_a_pointer_to_it_is_refused_and_other_datasets_go_on(local: Bench) -> None:
    local.revoke()
    local.publish()
    local.kept.build("second")
    local.publish()
    assert local.payload not in local.objects
    local.kept.build("first")
    with pytest.raises(RevokedError, match="The licence ended") as refused:
        local.publish()
    assert refused.value.remedy is not None
    assert "x@example.org" in refused.value.remedy
    assert local.payload not in local.objects


def test_all_that_derives_from_a_raw_input(local: Bench) -> None:
    raw = "c" * 64
    done = revoke(local.kept.repo, [], SAID, raw_inputs=[raw])
    assert {one.name for one in done.entries} == {"raw/asec.csv", *NAMES}
    assert {one.raw_input for one in done.entries} == {None, raw}
    pushed = local.publish()
    assert set(pushed.withheld) == set(NAMES)
    assert local.payload not in local.objects
    local.kept.build("second")
    with pytest.raises(RevokedError, match=r"derives from raw input raw/asec\.csv, which was"):
        local.publish()
    unrevoke(local.kept.repo, [], raw_inputs=[raw])
    local.publish()
    assert local.kept.files.channels.metadata.role("revoked").signed.targets == {}


def test_what_was_never_published_and_what_is_not_withdrawn(local: Bench) -> None:
    with pytest.raises(NotFoundError, match="was never published"):
        local.revoke(f"us/{NAME}@sha256:{'0' * 64}")
    with pytest.raises(NotFoundError, match="is not withdrawn"):
        unrevoke(local.kept.repo, [local.pin])
    with pytest.raises(FormatError, match="expected a pin"):
        unrevoke(local.kept.repo, [f"us/{NAME}@latest"])
    with pytest.raises(FormatError, match="nothing is named"):
        revoke(local.kept.repo, [], SAID)


def test_a_draft_of_others_is_not_signed_unseen(local: Bench) -> None:
    files = local.kept.files.channels.files
    entry = local.revoke().entries[0]
    metadata = files.read("revoked", Targets)
    metadata.signatures.clear()
    files.write("revoked", metadata)
    with pytest.raises(ConflictError, match="the draft of revoked 2 has no signature"):
        unrevoke(local.kept.repo, [local.pin])
    again = files.read("revoked", Targets).signed.targets[entry.target_path]
    assert Revocation.from_target(entry.target_path, again.to_dict()) == entry


def test_a_repair_brings_nothing_back_before_an_unrevoke_is_published(bench: Bench) -> None:
    bench.revoke()
    bench.publish()
    unrevoke(bench.kept.repo, [bench.pin])
    bench.kept.commit("Take it back")
    checked = fsck(bench.kept.repo, repair=True)
    assert not checked.repaired
    assert not [one for one in checked.report.findings if one.fault == "forged"]
    assert bench.payload not in bench.objects
    push(bench.kept.repo)
    assert bench.payload in bench.objects
    assert bench.tombstone not in bench.objects


def test_other_words_that_are_not_pushed_yet_are_no_forgery(bench: Bench) -> None:
    """Stewards withdraw it again with another reason; readers see the first until the push."""
    bench.revoke()
    bench.publish()
    first = bench.objects[bench.tombstone]
    revoke(bench.kept.repo, [bench.pin], replace(SAID, reason="A respondent asked."))
    assert bench.faults() == []
    bench.kept.commit("Say it in other words")
    assert bench.faults() == []
    bench.objects[bench.tombstone] = first.replace(b"Census Bureau", b"Mallory")
    assert bench.faults() == [("forged", bench.tombstone)]
    bench.publish()
    assert b"A respondent asked." in bench.objects[bench.tombstone]
    assert bench.faults() == []


def test_a_withdrawal_that_is_not_pushed_yet_lacks_no_tombstone(bench: Bench) -> None:
    bench.revoke()
    bench.kept.commit("Withdraw")
    found = fsck(bench.kept.repo).report.findings
    assert {one.fault for one in found} == {"not removed"}
    assert {one.detail for one in found} == {
        "it is withdrawn in git, and goes with the next pe-dvc push"
    }
    bench.publish()
    assert bench.faults() == []
