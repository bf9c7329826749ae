"""Private keys are the owner's alone, and a key signs only for the roles that list it."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.metadata_fields import SIGNER_FIELD
from pe_dvc.primitives.errors import (
    DiskFullError,
    FormatError,
    NotFoundError,
    SignatureError,
    StoreUnavailableError,
)
from pe_dvc.trust.keys import generate_keys, load_key_file
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import Metadata, Root, Targets
from tests.support.file_systems import without_hard_links
from tests.support.new_keys import new_key
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path


def test_keys_are_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    keys = generate_keys(tmp_path, "us", {"next": 2, "latest": 1})
    assert [len(keys[role]) for role in ("next", "latest")] == [2, 1]
    files = {path.name: path for path in (tmp_path / "us").iterdir()}
    assert set(files) == {"next.pem", "next-2.pem", "latest.pem"}
    for path in files.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    again = generate_keys(tmp_path, "us", {"next": 2, "latest": 1})
    assert again == keys


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_an_interrupted_init_leaves_no_empty_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    def fails(_: int) -> None:
        raise fault

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises((KeyboardInterrupt, DiskFullError)):
        generate_keys(tmp_path, "us", {"root": 1})
    assert not list((tmp_path / "us").iterdir())
    monkeypatch.undo()
    assert generate_keys(tmp_path, "us", {"root": 1})


def test_an_empty_key_file_of_a_killed_init_does_not_block_the_next(tmp_path: Path) -> None:
    (tmp_path / "us").mkdir(mode=0o700)
    (tmp_path / "us/root.pem").touch(mode=0o600)
    (key,) = generate_keys(tmp_path, "us", {"root": 1})["root"]
    assert load_key_file(tmp_path / "us/root.pem").public_key == key


def test_a_file_system_without_hard_links_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_hard_links(monkeypatch)
    with pytest.raises(StoreUnavailableError, match="no hard links") as caught:
        generate_keys(tmp_path, "us", {"latest": 1})
    assert "PE_DVC_KEYS_DIR" in str(caught.value.remedy)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_keys_may_not_lie_in_a_git_work_tree(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    inside = tmp_path / "repo" / "deep" / "keys"
    (tmp_path / "link").symlink_to(tmp_path / "repo")
    for place in (inside, tmp_path / "link" / "keys"):
        with pytest.raises(FormatError, match="inside a git work tree") as caught:
            generate_keys(place, "us", {"root": 1})
        assert "PE_DVC_KEYS_DIR" in str(caught.value.remedy)
        with pytest.raises(FormatError, match="inside a git work tree"):
            new_key(place, "us", "root")
        assert not place.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    generate_keys(tmp_path, "us", {"latest": 1})
    path = tmp_path / "us" / "latest.pem"
    path.chmod(mode)
    with pytest.raises(FormatError, match=rf"mode {mode:04o}") as caught:
        load_key_file(path)
    assert f"chmod 600 {path}" in str(caught.value.remedy)


def test_missing_unreadable_and_wrong_keys_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        load_key_file(tmp_path / "none.pem")
    (tmp_path / "directory.pem").mkdir(mode=0o700)
    with pytest.raises(FormatError, match="cannot be read"):
        load_key_file(tmp_path / "directory.pem")
    secret = tmp_path / "junk.pem"
    secret.write_bytes(b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    secret.chmod(0o600)
    with pytest.raises(FormatError, match="not an unencrypted private key") as caught:
        load_key_file(secret)
    assert "c2VjcmV0" not in str(caught.value)


def unsigned(sim: Simulator, role: str = "latest") -> tuple[Targets, Metadata[Targets]]:
    metadata = sim.files.read(role, Targets)
    metadata.signatures.clear()
    return sim.metadata.targets.signed, metadata


def test_no_key_at_hand_signs_nothing(sim: Simulator, tmp_path: Path) -> None:
    delegator, metadata = unsigned(sim)
    for signers in (Signers("us", environ={}), Signers("us", tmp_path / "none", environ={})):
        assert signers.sign(delegator, "latest", metadata) == []
    assert metadata.signatures == {}


def test_only_the_keys_of_the_role_sign(sim: Simulator) -> None:
    delegator, metadata = unsigned(sim)
    expected = sim.signer("latest").public_key.keyid
    assert sim.signers.sign(delegator, "latest", metadata) == [expected]
    assert sim.signers.sign(delegator, "latest", metadata) == []
    assert list(metadata.signatures) == [expected]


def test_an_invalid_signature_is_replaced(sim: Simulator) -> None:
    delegator, metadata = unsigned(sim)
    signature = metadata.sign(sim.signer("latest"))
    metadata.signed.version += 1
    assert sim.signers.sign(delegator, "latest", metadata) == [signature.keyid]
    delegator.verify_delegate("latest", metadata.signed_bytes, metadata.signatures)


@pytest.mark.parametrize("way", ["environment", "project", "project list"])
def test_signers_given_by_uri(sim: Simulator, way: str) -> None:
    delegator, metadata = unsigned(sim)
    uri = f"file2:{sim.keys_dir / 'us' / 'latest.pem'}"
    if way == "environment":
        signers = Signers("us", environ={"PE_DVC_SIGNER_LATEST": f" {uri} {uri} "})
    else:
        signers = Signers("us", None, {"latest": uri if way == "project" else [uri]}, {})
    assert len(signers.sign(delegator, "latest", metadata)) == 1


def test_the_environment_outranks_the_project(sim: Simulator) -> None:
    delegator, metadata = unsigned(sim)
    environ = {"PE_DVC_SIGNER_LATEST": f"file2:{sim.keys_dir / 'us' / 'latest.pem'}"}
    signers = Signers("us", None, {"latest": "file2:/nowhere.pem"}, environ)
    assert len(signers.sign(delegator, "latest", metadata)) == 1
    with pytest.raises(NotFoundError, match=r"/nowhere\.pem does not exist"):
        Signers("us", None, {"latest": "file2:/nowhere.pem"}, {}).sign(
            *unsigned(sim)[:1], "latest", unsigned(sim)[1]
        )


def test_a_signer_asked_for_by_name_must_be_of_the_role(sim: Simulator) -> None:
    uri = f"file2:{sim.keys_dir / 'us' / 'next.pem'}"
    delegator, metadata = unsigned(sim)
    with pytest.raises(SignatureError, match="is not a key of latest"):
        Signers("us", None, {"latest": uri}, {}).sign(delegator, "latest", metadata)


@pytest.mark.parametrize("uri", ["nonsense:key", "gcpkms:projects/x", "hsm:2?label=x", "awskms:x"])
def test_a_signer_that_cannot_be_used_is_named(sim: Simulator, uri: str) -> None:
    delegator, metadata = unsigned(sim)
    with pytest.raises(SignatureError):
        Signers("us", None, {"latest": uri}, {}).sign(delegator, "latest", metadata)
    assert metadata.signatures == {}


def test_a_key_may_name_its_signer_in_the_metadata(sim: Simulator) -> None:
    delegator, metadata = unsigned(sim)
    (keyid,) = delegator.get_delegated_role("latest").keyids
    key = delegator.get_key(keyid)
    key.unrecognized_fields[SIGNER_FIELD] = f"file2:{sim.keys_dir / 'us' / 'latest.pem'}"
    assert Signers("us", environ={}).sign(delegator, "latest", metadata) == [keyid]
    metadata.signatures.clear()
    key.unrecognized_fields[SIGNER_FIELD] = "nonsense:of another person"
    assert Signers("us", environ={}).sign(delegator, "latest", metadata) == []
    assert sim.signers.sign(delegator, "latest", metadata) == [keyid]


def test_rsa_and_ecdsa_files_sign_too(tmp_path: Path) -> None:
    from securesystemslib.signer import CryptoSigner

    for signer in (CryptoSigner.generate_ecdsa(), CryptoSigner.generate_rsa(size=2048)):
        path = tmp_path / "us" / "root.pem"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(signer.private_bytes)
        path.chmod(0o600)
        root = Root(expires=datetime.now(UTC))
        root.add_key(signer.public_key, "root")
        metadata = Metadata(root)
        assert Signers("us", tmp_path, environ={}).sign(root, "root", metadata)
        root.verify_delegate("root", metadata.signed_bytes, metadata.signatures)


def test_a_world_readable_key_file_stops_signing(sim: Simulator) -> None:
    (sim.keys_dir / "us" / "root.pem").chmod(0o644)
    with pytest.raises(FormatError, match="can be read by others"):
        sim.update(pointer("x"))


def test_public_keys_beside_the_private_ones_stop_no_signing(sim: Simulator) -> None:
    """``openssl pkey -pubout`` writes them with mode 0644."""
    from cryptography.hazmat.primitives import serialization

    directory = sim.keys_dir / "us"
    private = serialization.load_pem_private_key((directory / "latest.pem").read_bytes(), None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (directory / "latest.pub.pem").write_bytes(public)
    (directory / "latest.pub.pem").chmod(0o644)
    delegator, metadata = unsigned(sim)
    assert len(Signers("us", sim.keys_dir, environ={}).sign(delegator, "latest", metadata)) == 1


def test_environment_is_read_by_default(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        os.environ, "PE_DVC_SIGNER_LATEST", f"file2:{sim.keys_dir / 'us' / 'latest.pem'}"
    )
    delegator, metadata = unsigned(sim)
    assert len(Signers("us").sign(delegator, "latest", metadata)) == 1
