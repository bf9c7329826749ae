"""Keys that are no files of ours: a KMS, another person's public key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from securesystemslib.signer import GPGKey

from pe_dvc.documents.metadata_fields import SIGNER_FIELD
from pe_dvc.primitives.errors import FormatError, NotFoundError, SignatureError
from pe_dvc.trust.keys import generate_keys, load_key_file
from pe_dvc.trust.public_keys import public_key, public_key_file
from pe_dvc.trust.roles import ALL
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases.channel.init import init_channels
from pe_dvc.usecases.channel.roles import channel_status, sign_role
from pe_dvc.usecases.channel.update import update_channel
from tests.support.simulator import NOW, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Endpoint


@pytest.fixture
def kms(s3_server: S3Endpoint, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client of an AWS KMS that runs on this machine."""
    import boto3

    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return boto3.client("kms")


def test_a_channel_signed_by_a_kms_alone(kms: Any, tmp_path: Path) -> None:
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    uri = f"awskms:{made['KeyId']}"
    key = public_key(uri)
    assert key.unrecognized_fields[SIGNER_FIELD] == uri
    local = generate_keys(tmp_path / "k", "us", {role: 1 for role in ALL if role != "latest"})
    signers = Signers("us", tmp_path / "k", environ={})
    init_channels(tmp_path, "us", {**local, "latest": [key]}, signers, now=NOW)
    update = update_channel(tmp_path, "us", "latest", [pointer("a")], signers, now=NOW)
    assert (update.version, update.signed) == (2, True), "found by the URI in the metadata"
    assert not (tmp_path / "k" / "us" / "latest.pem").exists()


def test_a_kms_that_does_not_know_the_key(kms: Any) -> None:
    with pytest.raises(SignatureError, match="the key behind awskms:1234 cannot be read") as caught:
        public_key("awskms:1234")
    assert "pe_dvc[aws-kms]" in str(caught.value.remedy)


def test_a_key_file_by_its_uri(tmp_path: Path) -> None:
    (made,) = generate_keys(tmp_path, "us", {"latest": 1})["latest"]
    key = public_key(f"file2:{tmp_path}/us/latest.pem")
    assert key == made
    assert SIGNER_FIELD not in key.unrecognized_fields, "a path of one laptop is nobody else's"
    assert public_key("file2:us/latest.pem", {"CRYPTO_SIGNER_PATH_PREFIX": str(tmp_path)}) == made


@pytest.mark.parametrize("uri", ["", "latest.pem", "file:/k.pem", "nokms:1"])
def test_what_is_no_signer(uri: str) -> None:
    with pytest.raises(FormatError, match="is not a signer"):
        public_key(uri)


def test_another_reviewers_public_key(tmp_path: Path) -> None:
    """Bob hands in the public half; the channel waits for him, and he signs on his machine."""
    generate_keys(tmp_path / "bob", "us", {"next": 1})
    private = load_key_file(tmp_path / "bob/us/next.pem")
    pem = tmp_path / "bob.pem"
    pem.write_bytes(
        serialization.load_pem_private_key(private.private_bytes, None)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    bobs = public_key_file(pem)
    assert bobs.keyid == private.public_key.keyid
    keys = generate_keys(tmp_path / "alice", "us", dict.fromkeys(ALL, 1))
    alice, bob = (Signers("us", tmp_path / who, environ={}) for who in ("alice", "bob"))
    keys["next"].append(bobs)
    init_channels(tmp_path, "us", keys, alice, now=NOW, thresholds={"next": 2})
    status = next(s for s in channel_status(tmp_path, "us", now=NOW) if s.role == "next")
    assert (status.missing, status.unsigned_by) == (1, (bobs.keyid,))
    assert sign_role(tmp_path, "us", "next", bob, now=NOW).missing == 0


def test_files_that_are_no_public_key(tmp_path: Path) -> None:
    generate_keys(tmp_path, "us", {"next": 1})
    with pytest.raises(FormatError, match="not a public key") as caught:
        public_key_file(tmp_path / "us/next.pem")
    assert "PRIVATE" not in str(caught.value)
    with pytest.raises(NotFoundError):
        public_key_file(tmp_path / "none.pem")


@pytest.mark.parametrize("by", ["metadata", "settings"])
def test_a_signer_that_a_clone_names_runs_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """GnuPG starts the ``agent-program`` that ``gpg.conf`` in its home directory names."""
    program, ran = tmp_path / "bin/gpg", tmp_path / "ran"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    uri = f"gnupg:{tmp_path}/in-the-clone"
    value = {"public": {"q": "00" * 32}}
    key = GPGKey("ab" * 20, "eddsa", "pgp+eddsa-ed25519", value, {SIGNER_FIELD: uri})
    local = generate_keys(tmp_path / "k", "us", {role: 1 for role in ALL if role != "latest"})
    keys: dict[str, Any] = {**local, "latest": [key]}
    init_channels(tmp_path, "us", keys, Signers("us", tmp_path / "k", environ={}), now=NOW)
    signers = Signers("us", uris={"latest": uri} if by == "settings" else {}, environ={})
    with pytest.raises(SignatureError, match=r"no signer that pe_dvc opens|none of the keys"):
        sign_role(tmp_path, "us", "latest", signers, now=NOW)
    assert not ran.exists()
