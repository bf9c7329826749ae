"""Statements signed as DSSE by keys that are no files of ours, and by several keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, Key, SSlibKey

from pe_dvc.documents.statement_bundle import SignedStatement, write_statements
from pe_dvc.primitives.errors import FormatError, SignatureError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.trust.envelopes import check_envelopes, sign_statements, signed_by
from pe_dvc.trust.key_identity import pem_of
from pe_dvc.trust.public_keys import public_key
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import Root

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Endpoint

STATEMENTS = [SignedStatement(payload=b'{"n":1}'), SignedStatement(payload=b'{"n":2}')]


def listing(*keys: Key, threshold: int = 1) -> Root:
    """Return metadata that lists keys of ``timestamp``, as any delegator lists those of a role."""
    root = Root(expires=datetime.now(UTC))
    for key in keys:
        root.add_key(key, "timestamp")
    root.roles["timestamp"].threshold = threshold
    return root


def as_others_verify(statement: SignedStatement, *keys: Key) -> int:
    """Return how many keys, handed over as PEM, signed it by securesystemslib's own judgement."""
    envelope = Envelope.from_dict(read_json(write_statements([statement]), what="an envelope"))
    given: list[Key] = [
        SSlibKey.from_crypto(load_pem_public_key(pem_of(key).encode())) for key in keys
    ]
    return len(envelope.verify(given, len(given)))


def signer_files(directory: Path, *signers: CryptoSigner) -> Signers:
    for number, signer in enumerate(signers):
        path = directory / "us" / f"{number}.pem"
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_bytes(signer.private_bytes)
        path.chmod(0o600)
    return Signers("us", directory, environ={})


def test_keys_of_every_kind_sign_and_are_verified_by_others(tmp_path: Path) -> None:
    made = [
        CryptoSigner.generate_ed25519(),
        CryptoSigner.generate_ecdsa(),
        CryptoSigner.generate_rsa(size=2048),
    ]
    keys = [signer.public_key for signer in made]
    root = listing(*keys, threshold=3)
    signed = sign_statements(STATEMENTS, root, "timestamp", signer_files(tmp_path, *made))
    check_envelopes(signed, root, "timestamp", where="x")
    assert [as_others_verify(one, *keys) for one in signed] == [3, 3]
    again = sign_statements(signed, root, "timestamp", signer_files(tmp_path, *made))
    assert again == signed


def test_a_kms_signs_statements(
    s3_server: S3Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import boto3

    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    client: Any = boto3.client("kms")
    made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    key = public_key(f"awskms:{made['KeyId']}")
    root = listing(key)
    signed = sign_statements(STATEMENTS, root, "timestamp", Signers("us", environ={}))
    check_envelopes(signed, root, "timestamp", where="x")
    assert [as_others_verify(one, key) for one in signed] == [1, 1]

    client.disable_key(KeyId=made["KeyId"])
    named = Signers("us", None, {"timestamp": f"awskms:{made['KeyId']}x"}, {})
    with pytest.raises(SignatureError):
        sign_statements(STATEMENTS, root, "timestamp", named)


def test_a_signature_of_one_statement_does_not_count_for_another(tmp_path: Path) -> None:
    made = CryptoSigner.generate_ed25519()
    root, signers = listing(made.public_key), signer_files(tmp_path, made)
    first, second = sign_statements(STATEMENTS, root, "timestamp", signers)
    swapped = SignedStatement(payload=first.payload, signatures=second.signatures)
    assert signed_by(swapped, root, "timestamp") == {}
    with pytest.raises(SignatureError, match="statement 2 of 2 has valid signatures of 0"):
        check_envelopes([second, swapped], root, "timestamp", where="x")


def test_a_tuf_signature_of_the_same_bytes_is_none_of_a_statement(tmp_path: Path) -> None:
    """DSSE signs an encoding that begins with its name, so that neither passes for the other."""
    made = CryptoSigner.generate_ed25519()
    root = listing(made.public_key)
    keyid, raw = made.public_key.keyid, made.sign(STATEMENTS[0].payload).signature
    taken = SignedStatement(payload=STATEMENTS[0].payload, signatures={keyid: raw})
    assert signed_by(taken, root, "timestamp") == {}


def test_a_key_under_two_ids_signs_a_statement_once(tmp_path: Path) -> None:
    made = CryptoSigner.generate_ed25519()
    keyid, again = made.public_key.keyid, "ab" * 32
    root = listing(made.public_key, Key.from_dict(again, made.public_key.to_dict()), threshold=2)
    signers = signer_files(tmp_path, made)
    (once,) = sign_statements(STATEMENTS[:1], root, "timestamp", signers, keyids=[keyid])
    both = {keyid: once.signatures[keyid], again: once.signatures[keyid]}
    twice = SignedStatement(payload=once.payload, signatures=both)
    with pytest.raises(SignatureError, match=r"signatures of 1 of the keys .*, and 2 must sign"):
        check_envelopes([twice], root, "timestamp", where="x")
    root.roles["timestamp"].threshold = 1
    check_envelopes([twice], root, "timestamp", where="x")


def test_a_key_that_pem_cannot_hold_is_named() -> None:
    key = SSlibKey("a" * 64, "ecdsa", "ecdsa-sha2-nistp256", {"public": "no PEM"})
    with pytest.raises(FormatError, match=f"key {'a' * 64} of kind ecdsa"):
        pem_of(key)
