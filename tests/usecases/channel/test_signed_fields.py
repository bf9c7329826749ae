"""What holders of the offline keys are shown of a root's signed fields, before they sign it.

Who can write to git drafts a root that changes them quietly; others sign it into force.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pe_dvc.cli.channel_output import review_lines
from pe_dvc.documents.metadata_fields import (
    CONTACT_FIELD,
    EXPIRY_FIELD,
    LOG_FIELD,
    MIRRORS_FIELD,
    NAME_FIELD,
    WITNESSES_FIELD,
)
from pe_dvc.primitives.result import json_value
from pe_dvc.tlog.note import COSIGNATURE, VerifierKey
from pe_dvc.trust.ancestry import Committed
from pe_dvc.trust.draft_files import DraftFiles
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.witnesses import WitnessRule
from pe_dvc.usecases.channel.keys import KeyRing
from pe_dvc.usecases.channel.review import Review, review
from tests.support.new_keys import new_key
from tests.support.signed_channels import SignedChannels
from tests.support.simulator import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONE, TWO, THREE = (
    VerifierKey(
        f"witness.example.org/{name}",
        Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
        COSIGNATURE,
    )
    for name in ("one", "two", "three")
)


class Clone:
    """Two must sign root and targets; this machine has the first key of each."""

    def __init__(self, base: Path) -> None:
        self.channels = SignedChannels(base / "repo/channels", base / "ann", now=NOW)
        self.channels.create(thresholds={"root": 2, "targets": 2}, contact="data@example.org")
        self.home = base / "ann"
        self.ring = self.ring_of(*(f"{role}-2" for role in ("root", "targets")))

    def ring_of(self, *without: str) -> KeyRing:
        for name in without:
            (self.home / f"us/{name}.pem").rename(self.home.parent / f"{name}.pem")
        signers = Signers("us", self.home, environ={})
        return KeyRing(self.channels.directory, "us", signers, now=NOW)

    def all_sign(self) -> KeyRing:
        """Bring the other keys, so that what is changed comes into force at once."""
        for path in self.home.parent.glob("*.pem"):
            path.rename(self.home / "us" / path.name)
        return self.ring_of()

    def review(self, role: str = "root") -> Review:
        files = DraftFiles(self.channels.directory, "us")
        return review(files, role, now=NOW, committed=Committed(data=b"", where=role))

    def said(self, role: str = "root") -> str:
        """What ``pe-dvc channel sign`` shows."""
        return "\n".join(review_lines(self.review(role)))

    def rewrite(self, change: Callable[[dict[str, Any]], object], file: str = "2.root") -> None:
        """Change a draft as its author can, who only writes to git."""
        path = self.channels.directory / f"us/draft/{file}.json"
        document = json.loads(path.read_bytes())
        change(document["signed"])
        path.write_text(json.dumps(document))


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def drafted(clone: Clone, change: Callable[[dict[str, Any]], object]) -> str:
    """Renew the root, as is done each year, alter the draft, and return what a signer is shown."""
    clone.ring.renew("root")
    clone.rewrite(change)
    return clone.said()


def test_of_a_first_root_what_is_not_the_default_is_shown(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    us = clone.channels.directory / "us"
    (us / "draft").mkdir()
    (us / "root.json").rename(us / "draft/1.root.json")
    for file in ("targets", "latest", "next", "revoked", "releases"):
        (us / f"{file}.json").rename(us / f"draft/{file}.json")
    (us / "root_history/1.root.json").unlink()
    assert [one.field for one in clone.review().fields] == [CONTACT_FIELD]
    assert clone.review("targets").fields == ()
    clone.rewrite(lambda signed: signed.update({LOG_FIELD: {"number": 2}}), "1.root")
    assert "log: begins a NEW LOG, number 2, before 1" in clone.said()


def test_a_renewed_root_changes_no_field(clone: Clone) -> None:
    assert clone.review().fields == ()
    clone.ring.renew("root")
    assert clone.review().fields == ()
    assert "nothing but version and expiry" in clone.said()


def test_a_root_that_quietly_begins_a_new_log_is_shown_as_that(clone: Clone) -> None:
    """The attack: what was published can be rewritten, and readers accept it."""
    said = drafted(clone, lambda signed: signed.update({LOG_FIELD: {"number": 2}}))
    assert "log: begins a NEW LOG, number 2, before 1" in said
    assert "accept a history that does not continue it" in said
    assert "nothing but version" not in said


def test_a_recovery_with_a_new_log_says_so(clone: Clone) -> None:
    clone.ring.recover([], new_log=True)
    (change,) = clone.review().fields
    assert (change.version, change.field, change.before) == (2, LOG_FIELD, None)
    assert change.after == {"number": 2}
    assert json_value(clone.review())["fields"][0]["says"] == list(change.says)


def test_a_log_that_goes_back_and_one_of_another_name(clone: Clone) -> None:
    clone.all_sign().recover([], new_log=True)
    assert clone.channels.metadata.root.signed.unrecognized_fields[LOG_FIELD] == {"number": 2}
    clone.ring_of("root-2").renew("root")
    clone.rewrite(lambda signed: signed.pop(LOG_FIELD), "3.root")
    assert "log: goes back to log 1, before 2" in clone.said()
    log = {"number": 2, "origin": "pe-dvc/uk"}
    clone.rewrite(lambda signed: signed.update({LOG_FIELD: log}), "3.root")
    assert 'log: its name becomes "pe-dvc/uk/2", before "pe-dvc/us/2"' in clone.said()


@pytest.fixture
def demanding(clone: Clone) -> Clone:
    """Two of two witnesses are demanded, not older than seven days."""
    clone.all_sign().demand(WitnessRule(2, 7, (ONE, TWO)))
    assert WITNESSES_FIELD in clone.channels.metadata.root.signed.unrecognized_fields
    clone.ring = clone.ring_of("root-2", "targets-2")
    return clone


def redemanded(clone: Clone, rule: WitnessRule | None) -> str:
    clone.ring.demand(rule)
    return clone.said()


def test_the_first_witnesses_are_shown_with_their_keys(clone: Clone) -> None:
    said = redemanded(clone, WitnessRule(1, 7, (ONE, TWO)))
    assert "readers demand 1 of 2 witnesses, not older than 7 days, before none" in said
    assert f"+ witness {ONE}" in said
    assert f"+ witness {TWO}" in said
    assert "readers refuse the channels while fewer than 1" in said
    assert "half of them or fewer are enough" in said
    assert "WEAKER" not in said


def test_a_root_that_quietly_lowers_the_witnesses_threshold_is_shown_as_that(
    demanding: Clone,
) -> None:
    """The attack: one witness in the thief's hands is enough from then on."""
    demanding.ring.renew("root")
    demanding.rewrite(lambda signed: signed[WITNESSES_FIELD].update(threshold=1), "3.root")
    said = demanding.said()
    assert "readers demand 1 of 2 witnesses, not older than 7 days, before 2 of 2" in said
    assert "WEAKER: 1 must have seen what is published, before 2" in said


def test_a_root_that_takes_older_cosignatures_is_weaker(demanding: Clone) -> None:
    said = redemanded(demanding, WitnessRule(2, 900, (ONE, TWO)))
    assert "not older than 900 days, before 2 of 2 witnesses, not older than 7 days" in said
    assert "WEAKER: readers can be shown a state that is 900 days old" in said


def test_a_root_whose_new_witnesses_are_enough_by_themselves(demanding: Clone) -> None:
    """A witness of the thief's own is added; the number that is demanded hides that."""
    said = redemanded(demanding, WitnessRule(1, 7, (ONE, TWO, THREE)))
    assert f"+ witness {THREE}" in said
    assert "WEAKER, unless you know them: the witnesses that are added are enough" in said


def test_a_root_without_its_witnesses_is_weaker(demanding: Clone) -> None:
    said = redemanded(demanding, None)
    assert "readers demand none, before 2 of 2 witnesses" in said
    assert f"- witness {ONE}" in said
    assert "WEAKER: who has the online keys and the bucket can show new readers" in said


def test_stricter_witnesses_are_not_called_weaker(demanding: Clone) -> None:
    said = redemanded(demanding, WitnessRule(3, 7, (ONE, TWO, THREE)))
    assert "stricter: readers refuse the channels while fewer than 3" in said
    assert "half of them" not in said
    assert "WEAKER" not in said


def test_witnesses_that_cannot_be_read_are_shown_as_they_stand(clone: Clone) -> None:
    said = drafted(clone, lambda signed: signed.update({WITNESSES_FIELD: {"keys": "a"}}))
    assert 'x-pe-dvc-witnesses: becomes {"keys": "a"}, before none' in said
    assert "readers would refuse the channels" in said


def test_mirrors_contact_and_days_to_expiry_are_shown(clone: Clone) -> None:
    def change(signed: dict[str, Any]) -> None:
        signed[MIRRORS_FIELD] = ["s3://thief/us"]
        signed[CONTACT_FIELD] = "thief@example.org\n  root: 2 keys must sign"
        signed["roles"]["timestamp"][EXPIRY_FIELD] = 3650

    said = drafted(clone, change)
    assert '+ mirror "s3://thief/us"' in said
    assert r'ask "thief@example.org\n  root: 2 keys must sign", before "data@example.org"' in said
    assert "timestamp: a new version expires after 3650 days, before 14" in said
    assert "so long, too, can an old version be shown" in said


def test_a_field_that_is_not_known_is_shown_as_it_stands(clone: Clone) -> None:
    said = drafted(clone, lambda signed: signed.update({"x-later": {"a": [1]}}))
    assert 'x-later: becomes {"a": [1]}, before none' in said
    assert "ask who changed it what it does" in said


def test_a_root_that_puts_another_key_under_an_id_is_shown_as_that(clone: Clone) -> None:
    """Ids that stay say nothing: the thief's key stands behind Ann's."""
    (clone.home.parent / "thief/us").mkdir(parents=True, mode=0o700)
    (clone.home.parent / "thief").chmod(0o700)
    stolen = new_key(clone.home.parent / "thief", "us", "root")

    def change(signed: dict[str, Any]) -> None:
        keyid = signed["roles"]["root"]["keyids"][0]
        signed["keys"][keyid]["keyval"] = stolen.keyval
        signed["keys"][keyid][NAME_FIELD] = "ann"

    said = drafted(clone, change)
    assert "becomes ANOTHER KEY under the id that it had" in said
    assert stolen.keyval["public"][:20] in said
    assert 'is named "ann", before none' in said


def test_one_key_under_two_ids_is_shown_as_that(clone: Clone) -> None:
    """Its holder would be two of the two who must sign."""

    def change(signed: dict[str, Any]) -> None:
        first, second = signed["roles"]["root"]["keyids"]
        signed["keys"]["ab" * 32] = signed["keys"][first]
        signed["roles"]["root"]["keyids"] = [first, "ab" * 32]
        del signed["keys"][second]

    assert "under another id: who holds it signs twice" in drafted(clone, change)


def test_a_root_between_two_that_lists_a_key_is_shown(clone: Clone) -> None:
    """The attack: the last draft lists who signed before, the one before it the thief alone."""
    clone.ring.renew("root")
    path = clone.channels.directory / "us/draft/2.root.json"
    last = json.loads(path.read_bytes())
    last["signed"]["version"] = 3
    (path.parent / "3.root.json").write_text(json.dumps(last))
    clone.rewrite(lambda signed: signed["roles"]["root"].update(threshold=1))
    said = clone.said()
    assert clone.review().keys == {}
    assert "root 2: root: until version 3, 1 of these keys must sign: " in said
    assert "nothing but version" not in said


def test_where_a_channel_may_speak_for_is_shown_of_targets(clone: Clone) -> None:
    clone.ring.renew("targets")
    assert clone.review("targets").fields == ()

    def change(signed: dict[str, Any]) -> None:
        signed["delegations"]["roles"][0]["paths"] = ["us/*/*"]

    clone.rewrite(change, "targets")
    assert 'roles/latest/paths: becomes ["us/*/*"], before ["us/latest/*"' in clone.said("targets")
