"""Signed notes, checkpoints, cosignatures and proofs, of the specifications and of our own keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pe_dvc.primitives.errors import FormatError, SignatureError, VerificationError
from pe_dvc.tlog.checkpoint import Checkpoint, parse_checkpoint
from pe_dvc.tlog.cosignature import cosign, verify_cosignature
from pe_dvc.tlog.merkle import inclusion_proof, leaf_hash, tree_root
from pe_dvc.tlog.note import COSIGNATURE, Note, VerifierKey, parse_note
from pe_dvc.tlog.proof import TlogProof, parse_proof
from pe_dvc.tlog.tiles import GrownTree
from tests.support.fuzzing import edited, fuzz

THEIR_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
THEIR_NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZ\
XsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
THEIR_COSIGNED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhc\
yv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl\
rDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""

SECRET, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
LOG = VerifierKey("bucket.example/us", SECRET.public_key().public_bytes_raw())
WITNESS = VerifierKey("witness.example", OTHER.public_key().public_bytes_raw(), COSIGNATURE)
ENTRIES = [b"one", b"two", b"three"]


def checkpoint() -> Checkpoint:
    tree = GrownTree(0, ENTRIES, lambda tile: b"")
    return Checkpoint(LOG.name, 3, tree_root(3, tree))


def signed() -> Note:
    note = Note(str(checkpoint())).signed_by(LOG, SECRET.sign)
    return cosign(note, WITNESS, OTHER.sign, 1_700_000_000)


def proof() -> TlogProof:
    tree = GrownTree(0, ENTRIES, lambda tile: b"")
    return TlogProof(1, tuple(inclusion_proof(1, 3, tree)), signed(), b"extra")


def test_the_note_of_the_specification() -> None:
    note, key = parse_note(THEIR_NOTE.encode(), where="note"), VerifierKey.parse(THEIR_KEY)
    note.verify(key)
    assert (str(note), str(key)) == (THEIR_NOTE, THEIR_KEY)
    with pytest.raises(SignatureError, match=r"by example\.com/foo does not verify"):
        replace(note, text="This is another message.\n").verify(key)


def test_the_checkpoint_of_the_specification() -> None:
    note = parse_note(THEIR_COSIGNED.encode(), where="note")
    found = parse_checkpoint(note.text, where="note")
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert (str(found), str(note)) == (note.text, THEIR_COSIGNED)
    cosignature = note.signatures[1]
    assert cosignature.name == "witness.example.com/w1"
    assert int.from_bytes(cosignature.data[:8], "big") == 1679315147


def test_notes_and_cosignatures_come_back_as_they_were_made() -> None:
    note = parse_note(str(signed()).encode(), where="note")
    assert note == signed()
    note.verify(LOG)
    assert verify_cosignature(note, WITNESS) == 1_700_000_000
    assert VerifierKey.parse(str(WITNESS)) == WITNESS


def test_signatures_of_others_are_ignored_and_a_wrong_one_by_a_known_key_is_not() -> None:
    stranger = VerifierKey(LOG.name, OTHER.public_key().public_bytes_raw())
    note = signed().signed_by(stranger, OTHER.sign)
    note.verify(LOG)
    with pytest.raises(SignatureError):
        note.signed_by(LOG, OTHER.sign).verify(LOG)
    with pytest.raises(SignatureError, match=r"not signed by bucket\.example"):
        Note(note.text, note.signatures[1:]).verify(LOG)
    with pytest.raises(SignatureError, match=r"not cosigned by witness\.example"):
        verify_cosignature(Note(note.text, note.signatures[:1]), WITNESS)


def test_a_signature_counts_as_no_cosignature_nor_the_other_way_round() -> None:
    same = VerifierKey(WITNESS.name, WITNESS.public)
    note = Note(str(checkpoint())).signed_by(same, OTHER.sign)
    with pytest.raises(SignatureError):
        verify_cosignature(note, WITNESS)
    with pytest.raises(SignatureError):
        signed().verify(same)
    with pytest.raises(SignatureError):
        signed().verify(WITNESS)


def test_a_cosignature_with_another_time_does_not_verify() -> None:
    log, seen = signed().signatures
    forged = seen._replace(data=(1_800_000_000).to_bytes(8, "big") + seen.data[8:])
    with pytest.raises(SignatureError, match="does not verify"):
        verify_cosignature(Note(signed().text, (log, forged)), WITNESS)


def test_a_proof_is_verified_by_itself() -> None:
    found = parse_proof(str(proof()).encode(), where="proof")
    assert found == proof()
    assert found.verify(leaf_hash(b"two"), LOG, origin=LOG.name) == checkpoint()
    with pytest.raises(VerificationError, match="is not in the tree"):
        found.verify(leaf_hash(b"three"), LOG, origin=LOG.name)
    with pytest.raises(VerificationError, match=r"of the log bucket\.example/us, not of other"):
        found.verify(leaf_hash(b"two"), LOG, origin="other")
    with pytest.raises(VerificationError):
        replace(found, index=0).verify(leaf_hash(b"two"), LOG, origin=LOG.name)


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "no signatures\n", "text\n\n- name AAAAAAA=\n", "text\n\n— name\n"),
        *("text\n\n— a b AAAAAAA=\n", "text\n\n— a+b AAAAAAA=\n", "text\n\n— name AAAA\n"),
        *("text\n\n— name AAAAAAB=\n", "te\rxt\n\n— name AAAAAAA=\n", "text\n\n— name AAAAAAA="),
    ],
)
def test_what_is_no_note(text: str) -> None:
    with pytest.raises(FormatError):
        parse_note(text.encode(), where="here")


@pytest.mark.parametrize(
    "text",
    [
        *("", "a\n", "a\n1\n", "a\n01\nROOT\n", "a\n-1\nROOT\n", "a\n1\nAAAA\n", "\n1\nROOT\n"),
        *("a\n1\nROOT", "a\n1\nROOT\n\nx\n", "a\n" + "9" * 30 + "\nROOT\n", "a\n９\nROOT\n"),
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(FormatError):
        parse_checkpoint(text.replace("ROOT", str(checkpoint()).split("\n")[2]), where="here")


@pytest.mark.parametrize("text", ["a", "a+00000000+AQ==", "+530d903a+AQ==", f"{THEIR_KEY}x"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(FormatError):
        VerifierKey.parse(text)


def test_any_bytes_are_read_or_refused() -> None:
    true = str(proof()).encode()

    def target(data: bytes) -> None:
        found = parse_proof(data, where="here")
        found.verify(leaf_hash(b"two"), LOG, origin=LOG.name)
        assert verify_cosignature(found.note, WITNESS) >= 0

    fuzz(target, edited([true]))
