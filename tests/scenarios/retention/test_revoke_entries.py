"""Which entries stewards sign, and what a clone makes of them when the bucket is not honest."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    FormatError,
    RevokedError,
    VerificationError,
)
from pe_dvc.project.channel_log import Channels
from pe_dvc.project.fsck import fsck
from pe_dvc.project.push import upload
from pe_dvc.project.revoke import Statement, draft_in_git, revoke, unrevoke
from pe_dvc.project.revoke_subjects import Subjects
from pe_dvc.project.withdrawn import refuse_release, withdrawn_by_store
from pe_dvc.trust.client import ChannelClient
from pe_dvc.usecases.revoke.inventory import Inventory
from tests.support.advice import follow
from tests.support.factories import pointer_to
from tests.support.kept_repo import KeptRepo
from tests.support.revoking import NAME, OTHER, SAID, Bench

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.revocation import Revocation


OTHER_REASON = Statement(reason="A respondent asked.", authority="Data stewards")


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    kept = KeptRepo(tmp_path, monkeypatch)
    return Bench(kept, kept.bucket.objects)


def test_its_manifest_is_altered_while_it_is_withdrawn(local: Bench) -> None:
    """The clone knows where the bytes are."""
    key = manifest_key("us", local.sha256)
    good = local.objects[key]
    local.objects[key] = good + b" "
    (entry,) = local.revoke().entries
    assert entry.dvc_md5 is not None
    assert payload_key("us", entry.dvc_md5) == local.payload


def test_nobody_has_its_manifest(local: Bench) -> None:
    before = local.kept.git("rev-parse", "HEAD")
    local.objects[manifest_key("us", local.sha256)] += b" "
    local.kept.build("second")
    with pytest.raises(VerificationError) as refused:
        local.revoke()
    assert "where its bytes are, to be removed, is not known" in str(refused.value)

    def repair(words: list[str]) -> None:
        assert words == ["pe-dvc", "fsck", "--repair"]
        local.kept.git("reset", "--quiet", "--hard", before)
        fsck(local.kept.repo, repair=True)

    follow(str(refused.value), "… has no manifest sha256:… of …, which was signed, nor", repair)
    (entry,) = local.revoke().entries
    assert payload_key("us", entry.dvc_md5 or "") == local.payload


def test_a_raw_input_while_a_manifest_cannot_be_read(local: Bench) -> None:
    """Its dataset may derive from the raw input: nobody may leave it out in silence."""
    before = local.kept.git("rev-parse", "HEAD")
    key = manifest_key("us", local.sha256)
    good = local.objects[key]
    local.objects[key] += b" "
    raw = json.loads(good)["inputs"]["raw_inputs"][0]["sha256"]
    found = revoke(local.kept.repo, [], SAID, raw_inputs=[raw], dry_run=True)
    assert local.sha256 in {one.sha256 for one in found.entries}, "the clone has its manifest"
    local.kept.build("second")
    with pytest.raises(VerificationError) as refused:
        revoke(local.kept.repo, [], SAID, raw_inputs=[raw], dry_run=True)
    assert "whether it derives from the raw input cannot be told" in str(refused.value)

    def repair(words: list[str]) -> None:
        assert words == ["pe-dvc", "fsck", "--repair"]
        local.kept.git("reset", "--quiet", "--hard", before)
        fsck(local.kept.repo, repair=True)

    follow(str(refused.value), "whether it derives from the raw input cannot be told", repair)
    assert local.objects[key] == good
    local.revoke()
    del local.objects[key]
    revoke(local.kept.repo, [], SAID, raw_inputs=[raw])


def test_a_replacement_that_is_withdrawn(local: Bench) -> None:
    local.revoke()
    other = json.loads((local.kept.files.root / f"manifests/{OTHER}.json").read_bytes())
    pin = f"us/{OTHER}@sha256:{other['artifact']['sha256']}"
    said = replace(SAID, replacement=local.pin)
    with pytest.raises(FormatError, match="is itself withdrawn on"):
        revoke(local.kept.repo, [pin], said, dry_run=True)


def test_a_raw_input_that_is_a_published_dataset(local: Bench) -> None:
    done = revoke(local.kept.repo, [], SAID, raw_inputs=[local.sha256])
    found = {(one.sha256, one.is_input, one.raw_input) for one in done.entries}
    assert (local.sha256, False, local.sha256) in found
    assert (local.sha256, True, None) in found
    pushed = local.publish()
    assert NAME in pushed.withheld
    assert local.payload not in local.objects
    unrevoke(local.kept.repo, [], raw_inputs=[local.sha256])
    assert local.kept.files.channels.metadata.role("revoked").signed.targets == {}


def test_the_address_of_another_dataset_is_not_signed(
    local: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI signed a manifest that gives the address of someone else's payload."""
    other = json.loads((local.kept.files.root / f"manifests/{OTHER}.json").read_bytes())
    key = manifest_key("us", local.sha256)
    evil = json.loads(local.objects[key])
    evil["artifact"]["dvc"] = other["artifact"]["dvc"]
    local.objects[key] = json.dumps(evil).encode()
    pointer = pointer_to(Manifest.from_bytes(local.objects[key], where=key))
    signed = replace(pointer, manifest_sha256=sha256_bytes(local.objects[key]))
    monkeypatch.setattr(Subjects, "_pointer", lambda *_: signed)
    done = local.revoke(dry_run=True)
    assert done.entries[0].dvc_md5 is None
    assert payload_key("us", other["artifact"]["dvc"]["md5"]) in done.affected.kept


def test_a_clone_whose_git_is_newer_than_the_bucket(local: Bench, tmp_path: Path) -> None:
    """It was merged and not yet pushed, or a thief of CI's keys publishes the state from before."""
    (entry,) = local.revoke().entries
    repo = local.kept.repo
    assert withdrawn_by_store(repo, local.store) == {local.sha256: entry}
    manifest = Manifest.from_bytes(local.objects[manifest_key("us", local.sha256)], where="")
    release: Any = SimpleNamespace(tag="1.0.0", manifests={NAME: (manifest, b"")})
    client = ChannelClient(local.store, "us", local.kept.files.root_of_trust, tmp_path / "state")
    with pytest.raises(RevokedError, match=f"{NAME} of release 1.0.0"):
        refuse_release(release, client, repo.channel_files)


def test_a_clone_whose_git_is_older_than_the_bucket(local: Bench) -> None:
    before = local.kept.git("rev-parse", "HEAD")
    (entry,) = local.revoke().entries
    local.publish()
    local.kept.git("reset", "--quiet", "--hard", before)
    assert withdrawn_by_store(local.kept.repo, local.store) == {local.sha256: entry}


@pytest.mark.parametrize("attack", ["deleted", "altered", "conflict in git"])
def test_an_old_checkout_brings_nothing_back(local: Bench, attack: str) -> None:
    """Its own role is from before, and that of the bucket cannot be verified."""
    before, payload = local.kept.git("rev-parse", "HEAD"), local.objects[local.payload]
    local.revoke()
    local.publish()
    local.kept.git("reset", "--quiet", "--hard", before)
    local.kept.git("reflog", "expire", "--expire=now", "--all")
    key = "channels/us/2.revoked.json"
    if attack == "deleted":
        del local.objects[key]
    elif attack == "altered":
        local.objects[key] += b" "
    else:
        files = local.kept.files.channels.files
        files.path("revoked").write_bytes(b"<<<<<<< ours\n")
    with pytest.raises((FormatError, VerificationError)):
        fsck(local.kept.repo, repair=True)
    with pytest.raises((FormatError, VerificationError)):
        upload(local.kept.repo)
    assert local.payload not in local.objects
    assert payload not in local.objects.values()
    found = ("corrupt", "channels/us/revoked.json")
    assert found in local.faults(), "a check alone says so and goes on"


def _entries(bench: Bench) -> dict[str, Revocation]:
    return {str(one.sha256): one for one in draft_in_git(bench.kept.repo).artifacts.values()}


def test_what_was_withdrawn_alone_does_not_come_back_with_an_input(local: Bench) -> None:
    raw = "c" * 64
    (alone,) = local.revoke().entries
    local.publish()
    done = revoke(local.kept.repo, [], OTHER_REASON, raw_inputs=[raw])
    assert {one.name for one in done.entries} == {"raw/asec.csv", OTHER}
    local.publish()
    assert _entries(local)[local.sha256] == alone
    unrevoke(local.kept.repo, [], raw_inputs=[raw])
    assert _entries(local) == {local.sha256: alone}


def test_an_artifact_that_is_named_beside_its_input(local: Bench) -> None:
    revoke(local.kept.repo, [local.pin], SAID, raw_inputs=["c" * 64])
    assert _entries(local)[local.sha256].raw_input is None


def test_an_artifact_of_two_withdrawn_inputs(local: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that stays withdrawn takes over, with its reasons."""
    first, second = Sha256("c" * 64), Sha256("d" * 64)
    found = Inventory.derived_from
    monkeypatch.setattr(
        Inventory,
        "derived_from",
        lambda self, digests: found(self, [first] if second in digests else digests),
    )
    revoke(local.kept.repo, [], SAID, raw_inputs=[first])
    local.publish()
    revoke(local.kept.repo, [], OTHER_REASON, raw_inputs=[second])
    local.publish()
    assert _entries(local)[local.sha256].raw_input == first
    unrevoke(local.kept.repo, [], raw_inputs=[first])
    entry = _entries(local)[local.sha256]
    assert (entry.raw_input, entry.reason) == (second, OTHER_REASON.reason)
    local.publish()
    unrevoke(local.kept.repo, [], raw_inputs=[second])
    assert _entries(local) == {}


def test_a_withdrawal_and_taking_it_back_are_in_the_log(
    local: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(local.kept.files.root)
    local.revoke()
    local.publish()
    unrevoke(local.kept.repo, [local.pin])
    local.publish()
    log = Channels("us").log("revoked")
    assert log.broken is None
    said = [(entry.step.added, entry.step.removed) for entry in log.entries]
    pin = f"pe-data://{local.pin}"
    assert said[0] == ((), ())
    (added, removed), (none, back) = said[1:]
    assert added[0].startswith(f"{pin}  withdrawn on ")
    assert added[0].endswith("by Census Bureau: The licence ended.")
    assert (removed, none, back) == ((), (), (f"{pin}, taken back",))
    assert all(entry.version.signers and entry.commit for entry in log.entries)
