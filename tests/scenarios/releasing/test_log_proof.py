"""The proof that goes with an export: made, verified by others, or said to be missing."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pe_dvc.cli.main import cli
from pe_dvc.documents.keys import LOG_PROOF, checkpoint_key, log_key, metadata_key
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.project.release import Releases
from pe_dvc.trust.tuf_api import Metadata, MetaFile, Snapshot, Timestamp
from pe_dvc.usecases.release.make_log_proof import make_log_proof
from tests.support.advice import follow
from tests.support.channel_logs import held
from tests.support.commands import run
from tests.support.logged_exports import SNAPSHOT, TAG, Made, publish, verify
from tests.support.logged_exports import copy as copy
from tests.support.logged_exports import made as made
from tests.support.other_environments import FOLDER
from tests.support.other_environments import validators as validators

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.release_history import History


def test_an_export_proves_where_its_releases_stand(made: Made) -> None:
    first, second, behind = map(verify, (made.first, made.second, made.behind))
    assert first.not_logged is second.not_logged is behind.not_logged is None
    assert first.log_index == behind.log_index
    assert first.log_index is not None
    assert second.log_index is not None
    assert first.log_index < second.log_index
    assert second.log_size == behind.log_size
    root = made.second / "channels/us/root.json"
    words = ["release", "verify", "--offline", str(made.second), "--root", str(root)]
    said = CliRunner().invoke(cli, words)
    wanted = f"entry {second.log_index} of {second.log_size} in the channel's log\n"
    assert said.output.endswith(wanted), said.output


def test_sigstore_and_plain_ed25519_verify_the_file_without_pe_dvc(
    made: Made, validators: Path, tmp_path: Path
) -> None:
    """The entry and the key are made of releases.json and root.json by the words of ADR 0039."""
    text = (made.second / LOG_PROOF).read_text()
    head, note, signatures = text.split("\n\n")
    magic, index, *hashes = head.split("\n")
    assert magic == "c2sp.org/tlog-proof@v1"
    origin, size, tree = note.split("\n")
    file = made.second / "channels/us/releases.json"
    data = file.read_bytes()
    entry = {
        "length": len(data),
        "overrides": [],
        "role": "releases",
        "sha256": hashlib.sha256(data).hexdigest(),
        "version": json.loads(data)["signed"]["version"],
    }
    leaf = json.dumps(entry, separators=(",", ":"), sort_keys=True).encode()
    decoded = [base64.b64decode(one).hex() for one in hashes]
    number, root = int(index.removeprefix("index ")), base64.b64decode(tree).hex()
    rows = [
        (number, int(size), leaf.hex(), decoded, root),
        (number, int(size), (leaf + b" ").hex(), decoded, root),
        (number - 1, int(size), leaf.hex(), decoded, root),
    ]
    (tmp_path / "asked.json").write_text(json.dumps(rows))
    done = subprocess.run(
        [validators, FOLDER / "check.py", "merkle", tmp_path / "asked.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(json.loads(done.stdout).values()) == [["right", "wrong", "wrong"]]

    signed = json.loads((made.second / "channels/us/root.json").read_bytes())["signed"]
    (keyid,) = signed["roles"]["timestamp"]["keyids"]
    public = bytes.fromhex(signed["keys"][keyid]["keyval"]["public"])
    _, name, signature = signatures.rstrip("\n").split(" ")
    assert name == origin == "pe-dvc/us"
    key = Ed25519PublicKey.from_public_bytes(public)
    key.verify(base64.b64decode(signature)[4:], f"{note}\n".encode())


def test_an_export_from_before_has_no_proof_and_says_so(copy: Path) -> None:
    (copy / LOG_PROOF).unlink()
    (copy / SNAPSHOT).unlink()
    found = verify(copy)
    assert (found.log_index, found.not_logged) == (None, "the export has no proof of it")
    words = ["--offline", str(copy), "--root", str(copy / "channels/us/root.json")]
    said = CliRunner().invoke(cli, ["release", "verify", *words])
    assert said.exit_code == 0
    assert "not proven to be in the channel's log: the export has no proof of it" in said.output


def exported_without(history: History, place: Path) -> str:
    """Export, and return what is said of the proof; the copy is as good without."""
    notes = CliRunner().invoke(cli, ["release", "export", TAG, str(place)], env=history.environment)
    assert notes.exit_code == 0, notes.output
    assert not (place / LOG_PROOF).exists()
    assert not (place / SNAPSHOT).exists()
    assert verify(place).log_index is None
    return notes.output


def test_without_a_proof_to_be_had_it_is_said_why(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(history.root)
    history.release(TAG)
    history.publish_channels()
    Releases(history.root).create(TAG)
    history.commit("Register")
    place = tmp_path / "copy"
    assert "not in the log of us" in exported_without(history, place)  # it is not published
    Releases(history.root).push(TAG)
    Releases(history.root).export(TAG, place)
    assert verify(place).log_index is not None
    bucket = history.bucket
    kept = (bucket / checkpoint_key("us")).read_bytes()
    (bucket / checkpoint_key("us")).write_bytes(by_another_log(kept))
    assert "another tree" in exported_without(history, place)
    (bucket / checkpoint_key("us")).unlink()
    assert "checkpoint cannot be used" in exported_without(history, place)
    (bucket / checkpoint_key("us")).write_bytes(kept)
    without_log(history)
    with pytest.raises(NotFoundError, match="have no log yet"):
        make_log_proof(history.store, history.signed.metadata)


def by_another_log(note: bytes) -> bytes:
    return note.replace(b"pe-dvc/us", b"pe-dvc/uk")


def without_log(history: History) -> None:
    """Leave the bucket as an older pe_dvc would: signed, and without a log."""
    root, signers = history.signed.metadata.root.signed, history.signed.signers
    stamp: Timestamp = held(history.store, "us", "timestamp")
    snapshot: Snapshot = held(history.store, "us", "snapshot", stamp.snapshot_meta.version)
    del snapshot.unrecognized_fields[LOG_FIELD], stamp.unrecognized_fields[LOG_FIELD]
    signed = Metadata(snapshot)
    signers.sign(root, "snapshot", signed)
    key = metadata_key("us", "snapshot", snapshot.version)
    (history.bucket / key).write_bytes(signed.to_bytes())
    stamp.snapshot_meta = MetaFile.from_data(snapshot.version, signed.to_bytes(), ["sha256"])
    renewed = Metadata(stamp)
    signers.sign(root, "timestamp", renewed)
    (history.bucket / metadata_key("us", "timestamp")).write_bytes(renewed.to_bytes())


def test_tiles_that_are_lost_are_put_back_as_advised(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(history.root)
    publish(history)
    for tile in [path for path in hash_tiles(history) if path.is_file()]:
        tile.unlink()
    place = tmp_path / "copy"
    said = exported_without(history, place)
    environment = {**history.environment, "PE_DVC_KEYS_DIR": str(history.keys)}
    follow(
        said,
        "are not all there: … Run pe-dvc fsck --repair",
        lambda command: run(*command, cwd=history.root, environment=environment),
    )
    Releases(history.root).export(TAG, place)
    assert verify(place).log_index is not None


def hash_tiles(history: History) -> list[Path]:
    return sorted((history.bucket / log_key("us", "tile/0")).rglob("*"))


def test_tiles_that_were_altered_are_not_exported_as_a_proof(
    history: History, tmp_path: Path
) -> None:
    publish(history)
    for tile in (path for path in hash_tiles(history) if path.is_file()):
        tile.write_bytes(bytes(len(tile.read_bytes())))
    with pytest.raises(VerificationError, match="does not prove"):
        Releases(history.root).export(TAG, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
