"""An export proves that its signed releases are in the channel's log; proofs that were altered.

The thief of these tests alters the copy, and has other keys of Ed25519.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pe_dvc.documents.channel_log import LogState
from pe_dvc.documents.keys import LOG_PROOF
from pe_dvc.documents.metadata_fields import LOG_FIELD, WITNESSES_FIELD
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    SignatureError,
    VerificationError,
)
from pe_dvc.tlog.checkpoint import Checkpoint, parse_checkpoint
from pe_dvc.tlog.cosignature import cosign
from pe_dvc.tlog.merkle import leaf_hash
from pe_dvc.tlog.note import COSIGNATURE, Note, VerifierKey
from pe_dvc.tlog.proof import TlogProof
from pe_dvc.trust.files import root_history
from pe_dvc.trust.tuf_api import Key, Metadata, MetaFile, Root
from pe_dvc.trust.witnesses import DAY, WitnessRule
from pe_dvc.usecases.publish.log_checkpoint import checkpoint
from pe_dvc.usecases.release.log_proof import check_signed, leaf_of
from tests.support.logged_exports import SNAPSHOT, Made, proof_of, verify
from tests.support.logged_exports import copy as copy
from tests.support.logged_exports import made as made
from tests.support.other_environments import validators as validators

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def written(change: Callable[[Made, TlogProof], TlogProof]) -> Callable[[Made, Path], None]:
    def write(made: Made, copy: Path) -> None:
        (copy / LOG_PROOF).write_text(str(change(made, proof_of(copy))))

    return write


def proof_of_another_version(made: Made, copy: Path) -> None:
    shutil.copyfile(made.behind / LOG_PROOF, copy / LOG_PROOF)


def proof_and_snapshot_of_another_version(made: Made, copy: Path) -> None:
    for name in (LOG_PROOF, SNAPSHOT):
        shutil.copyfile(made.first / name, copy / name)


def snapshot_of_an_earlier_tree(made: Made, copy: Path) -> None:
    shutil.copyfile(made.first / SNAPSHOT, copy / SNAPSHOT)


def other_hash(made: Made, proof: TlogProof) -> TlogProof:
    return replace(proof, hashes=(bytes(32), *proof.hashes[1:]))


def of_another_country(made: Made, proof: TlogProof) -> TlogProof:
    """Return the proof of a log of the same entries, signed by the very key of the timestamp."""
    return replace(proof, note=by_our_key(made, proof.note, "pe-dvc/uk"))


def by_our_key(made: Made, note: Note, origin: str) -> Note:
    tree = parse_checkpoint(note.text, where="the note")
    root = made.history.signed.metadata.root.signed
    return checkpoint(root, made.history.signed.signers, origin, LogState(tree.size, tree.root))


def by_another_key(made: Made, proof: TlogProof) -> TlogProof:
    secret = Ed25519PrivateKey.generate()
    key = VerifierKey("pe-dvc/us", secret.public_key().public_bytes_raw())
    return replace(proof, note=Note(proof.note.text).signed_by(key, secret.sign))


def with_their_signature(made: Made, proof: TlogProof) -> TlogProof:
    (line,) = proof.note.signatures
    return replace(proof, note=Note(proof.note.text, (line._replace(data=bytes(64)),)))


def of_their_tree(made: Made, proof: TlogProof) -> TlogProof:
    """Return a proof that holds, of a tree that the thief signed as a log of the country."""
    data = (made.second / "channels/us/releases.json").read_bytes()
    entry = leaf_of(MetaFile.from_data(json.loads(data)["signed"]["version"], data, ["sha256"]))
    tree = Checkpoint("pe-dvc/us", 1, leaf_hash(entry.to_bytes()))
    return by_another_key(made, TlogProof(0, (), Note(str(tree))))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (proof_of_another_version, VerificationError),
        (proof_and_snapshot_of_another_version, VerificationError),
        (snapshot_of_an_earlier_tree, VerificationError),
        (written(lambda _, proof: replace(proof, index=proof.index - 1)), VerificationError),
        (written(lambda _, proof: replace(proof, hashes=proof.hashes[:-1])), VerificationError),
        (written(other_hash), VerificationError),
        (written(of_another_country), VerificationError),
        (written(by_another_key), SignatureError),
        (written(of_their_tree), SignatureError),
        (written(with_their_signature), SignatureError),
        (written(lambda _, proof: replace(proof, note=Note(proof.note.text))), FormatError),
        (lambda _, copy: (copy / LOG_PROOF).unlink(), NotFoundError),
        (lambda _, copy: (copy / LOG_PROOF).write_bytes(b""), FormatError),
    ],
    ids=[
        *("another release version", "another version and its snapshot", "an earlier snapshot"),
        *("altered index", "a hash less", "altered hash", "checkpoint of another country"),
        *("checkpoint signed by another key", "a tree of their own"),
        *("altered signature", "no signature"),
        *("proof removed", "empty proof"),
    ],
)
def test_a_proof_that_was_altered_is_refused(
    made: Made, copy: Path, change: Callable[[Made, Path], None], error: type[PeDvcError]
) -> None:
    verify(copy)
    change(made, copy)
    with pytest.raises(error) as raised:
        verify(copy)
    assert not isinstance(raised.value, SignatureError) or error is SignatureError


def new_root(made: Made, root: Root, into: Path) -> None:
    """Write a next root, signed by the keys of the one before."""
    root.version += 1
    metadata = Metadata(root)
    made.history.signed.signers.sign(root, "root", metadata)
    into.write_bytes(metadata.to_bytes())


def test_a_key_under_two_ids_signs_a_checkpoint_once(made: Made, copy: Path) -> None:
    root, note = made.history.signed.metadata.root.signed, proof_of(copy).note
    (keyid,) = root.roles["timestamp"].keyids
    root.add_key(Key.from_dict("ab" * 32, root.keys[keyid].to_dict()), "timestamp")
    check_signed(note, root, "us", where="x")
    root.roles["timestamp"].threshold = 2
    with pytest.raises(SignatureError, match="has 1 valid signatures by"):
        check_signed(note, root, "us", where="x")


def test_witnesses_that_the_root_demands_must_have_cosigned(made: Made, copy: Path) -> None:
    """Their age does not count: a copy is for later."""
    secrets = [Ed25519PrivateKey.generate() for _ in range(3)]
    keys = [
        VerifierKey(f"example.org/{n}", secret.public_key().public_bytes_raw(), COSIGNATURE)
        for n, secret in enumerate(secrets)
    ]
    root = made.history.signed.metadata.root.signed
    root.unrecognized_fields[WITNESSES_FIELD] = WitnessRule(2, 7, tuple(keys)).to_field()
    pinned = made.second / "channels/us/root.json"
    place = copy / "channels/us/root.json"
    new_root(made, root, place)
    shutil.copyfile(place, copy / "channels/us" / root_history(root.version))
    proof = proof_of(copy)
    long_ago = int(time.time() - 3650 * DAY)

    def cosigned(*names: int) -> None:
        note = proof.note
        for n in names:
            note = cosign(note, keys[n], secrets[n].sign, long_ago)
        (copy / LOG_PROOF).write_text(str(replace(proof, note=note)))

    for too_few in ((), (0,), (1, 1)):
        cosigned(*too_few)
        with pytest.raises(VerificationError, match="of the 2 witnesses"):
            verify(copy, pinned)
    cosigned(0, 2)
    assert verify(copy, pinned).witnesses == ("example.org/0", "example.org/2")


def test_a_newer_root_that_does_not_bear_the_proof_fails_nothing(
    made: Made, copy: Path, tmp_path: Path
) -> None:
    root = made.history.signed.metadata.root.signed
    root.unrecognized_fields[LOG_FIELD] = {"number": 2}
    new_root(made, root, tmp_path / "root.json")
    found = verify(copy, tmp_path / "root.json")
    assert found.log_index is None
    assert found.not_logged is not None
    assert "the pinned root is newer than the proof" in found.not_logged
