"""Drafts of root and targets, by two who have one key each of two that must sign."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ConflictError, SignatureError
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases.channel.key_edits import StolenKeys
from pe_dvc.usecases.channel.keys import KeyRing
from pe_dvc.usecases.channel.roles import channel_status, sign_role
from pe_dvc.usecases.channel.update import update_channel
from tests.support.new_keys import new_key
from tests.support.signed_channels import SignedChannels
from tests.support.simulator import NOW, pointer

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pe_dvc.usecases.channel.role_status import RoleStatus


class Two:
    """Ann has a key of each role; Ben has the second keys of root and targets."""

    def __init__(self, base: Path) -> None:
        self.channels = SignedChannels(base / "repo/channels", base / "ann", now=NOW)
        self.channels.create(thresholds={"root": 2, "targets": 2})
        (base / "ben/us").mkdir(parents=True, mode=0o700)
        (base / "ben").chmod(0o700)
        for role in ("root", "targets"):
            shutil.move(base / f"ann/us/{role}-2.pem", base / f"ben/us/{role}-2.pem")
        self.base, self.directory = base, self.channels.directory
        self.ann = Signers("us", base / "ann", environ={})
        self.ben = Signers("us", base / "ben", environ={})

    def ring(self, signers: Signers, taken: Collection[tuple[str, int]] = ()) -> KeyRing:
        return KeyRing(self.directory, "us", signers, now=NOW, taken=taken)

    def sign(self, signers: Signers, role: str) -> RoleStatus:
        return sign_role(self.directory, "us", role, signers, now=NOW)

    @property
    def drafts(self) -> list[str]:
        folder = self.directory / "us/draft"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def version(self, role: str) -> int:
        (status,) = (
            one
            for one in channel_status(self.directory, "us", now=NOW)
            if one.role == role and not one.draft
        )
        return status.version


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def test_two_roots_and_targets_in_one_change_come_into_force_together(two: Two) -> None:
    """A new key of targets takes two roots, and targets signed by it."""
    old = two.ring(two.ann).keyids("targets")
    new = new_key(two.base / "ann", "us", "targets")
    ben = [key for key in old if key not in _signed_by(two, "targets", two.ann)]
    change = two.ring(two.ann).rotate("targets", new, keyid=next(k for k in old if k not in ben))
    assert [one.role for one in change.drafts] == ["root", "root", "targets"]
    assert two.drafts == ["2.root.json", "3.root.json", "targets.json"]
    before = two.channels.metadata.root.signed
    assert before.version == 1
    status = two.sign(two.ben, "root")
    assert (status.version, status.draft) == (3, True)
    assert two.channels.metadata.root.signed.version == 2, "targets of today holds under root 2"
    two.sign(two.ben, "targets")
    assert two.drafts == []
    assert two.channels.metadata.root.signed.version == 3
    two.channels.metadata.check_publishable(NOW)


def _signed_by(two: Two, role: str, signers: Signers) -> list[str]:
    """Return which keys of a role a person has, without leaving anything behind."""
    metadata = two.channels.files.read(role, type(two.channels.metadata.targets.signed))
    metadata.signatures.clear()
    return signers.sign(two.channels.metadata.root.signed, role, metadata)


def test_a_recovery_waits_and_is_built_upon_what_came_meanwhile(two: Two) -> None:
    """The thief took latest 2 to 40; two publishers go on until Ben has signed."""
    stolen = [
        StolenKeys(
            role=role,
            keyids=two.ring(two.ann).keyids(role),
            keys=[new_key(two.base / "ann", "us", role)],
        )
        for role in ("latest", "snapshot", "timestamp")
    ]
    taken = [("latest", number) for number in range(2, 41)]
    done = two.ring(two.ann, taken).recover(stolen)
    assert {one.role for one in done.drafts} == {"root", "targets", "latest"}
    assert two.version("latest") == 1
    two.channels.point("latest", [pointer("a")])
    assert two.version("latest") == 2
    two.sign(two.ben, "root")
    status = two.sign(two.ben, "targets")
    assert not status.draft
    assert two.drafts == []
    assert two.version("latest") == 41
    assert [*two.channels.metadata.role("latest").signed.targets] == ["us/latest/a"]
    with pytest.raises(SignatureError):
        two.channels.metadata.verified("latest")
    two.sign(two.ann, "latest")
    two.channels.metadata.check_publishable(NOW)


def test_a_recovery_that_nothing_came_between_is_whole(two: Two) -> None:
    stolen = StolenKeys(
        role="latest",
        keyids=two.ring(two.ann).keyids("latest"),
        keys=[new_key(two.base / "ann", "us", "latest")],
    )
    two.ring(two.ann, [("latest", 9)]).recover([stolen])
    two.sign(two.ben, "targets")
    assert two.version("latest") == 10
    two.channels.metadata.check_publishable(NOW)


def test_a_draft_that_is_changed_loses_its_signatures_and_keeps_its_version(two: Two) -> None:
    two.ring(two.ann).add("next", new_key(two.base / "ann", "us", "next"))
    change = two.ring(two.ann).add("next", new_key(two.base / "ann", "us", "next"))
    (draft,) = change.drafts
    assert (draft.version, draft.missing, len(draft.signed_by)) == (2, 1, 1)
    assert len(two.ring(two.ann).keyids("next")) == 3
    two.sign(two.ben, "targets")
    assert two.version("targets") == 2
    assert two.drafts == []


@pytest.mark.parametrize("role", ["root", "targets"])
def test_a_strangers_draft_is_not_signed_by_changing_it(two: Two, role: str) -> None:
    """Mallory writes a draft that lists her key; Ann adds another key and has not seen it."""
    changed = "snapshot" if role == "root" else "next"
    two.ring(two.ann).add(changed, new_key(two.base / "mallory", "us", changed))
    path = two.directory / "us/draft" / ("2.root.json" if role == "root" else "targets.json")
    document = json.loads(path.read_text())
    document["signatures"] = []
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    with pytest.raises(ConflictError, match="have not signed, and a change of it would sign all"):
        two.ring(two.ann).add(changed, new_key(two.base / "ann", "us", changed))
    with pytest.raises(ConflictError):
        two.ring(two.ann).renew(role)
    assert path.read_bytes() == before
    assert len(two.drafts) == 1


@pytest.mark.parametrize("drafted", [True, False], ids=["meanwhile", "before"])
def test_an_unsigned_channel_is_not_signed_by_a_change_of_keys(two: Two, drafted: bool) -> None:
    """Whoever writes to git puts pointers of theirs into latest.json."""
    new = new_key(two.base / "ann", "us", "latest")
    if drafted:
        two.ring(two.ben).rotate("latest", new)
    nobody = Signers("us", environ={})
    update_channel(two.directory, "us", "latest", [pointer("evil")], nobody, now=NOW)
    if not drafted:
        two.ring(two.ann).rotate("latest", new)
    two.sign(two.ann if drafted else two.ben, "targets")
    assert two.drafts == []
    held = two.channels.metadata.role("latest")
    assert [*held.signed.targets] == ["us/latest/evil"]
    assert held.signatures == {}


def test_killed_after_a_draft_came_into_force(two: Two) -> None:
    """Its file is still there: the next command removes it, and nobody is refused."""
    two.ring(two.ann).renew("root")
    draft = two.directory / "us/draft/2.root.json"
    data = draft.read_bytes()
    two.sign(two.ben, "root")
    draft.parent.mkdir(exist_ok=True)
    draft.write_bytes(data)
    assert two.version("root") == 2
    two.ring(two.ann).renew("targets")
    assert two.drafts == ["targets.json"]


def test_a_draft_of_what_is_no_longer_in_force_is_refused_by_name(two: Two) -> None:
    two.ring(two.ann).renew("targets")
    held = (two.directory / "us/draft/targets.json").read_bytes()
    two.sign(two.ben, "targets")
    two.ring(two.ann).renew("targets")
    two.sign(two.ben, "targets")
    (two.directory / "us/draft").mkdir(exist_ok=True)
    (two.directory / "us/draft/targets.json").write_bytes(held)
    with pytest.raises(ConflictError, match=r"made from version 1, and git holds targets 3"):
        two.sign(two.ben, "targets")


def test_a_root_in_force_takes_no_further_signature(two: Two) -> None:
    """It would change the fingerprint by which readers compare it."""
    two.ring(two.ann).add("root", new_key(two.base / "ann", "us", "root"))
    two.sign(two.ben, "root")
    before = two.channels.root
    third = two.base / "third"
    (third / "us").mkdir(parents=True, mode=0o700)
    third.chmod(0o700)
    shutil.move(two.base / "ann/us/root-2.pem", third / "us/root.pem")
    assert two.sign(Signers("us", third, environ={}), "root").missing == 0
    assert two.channels.root == before
