"""What `pe-dvc channel witnesses --entry` prints is all that a witness must be told of a log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.trust.tuf_api import CryptoSigner, Root
from pe_dvc.trust.witnesses import witness_rule
from pe_dvc.witness.settings import parse_settings
from tests.support.advice import follow
from tests.support.commands import run, run_pe_dvc
from tests.support.signed_repo import HandMadeRepo
from tests.support.witnessed import TestWitness

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandMadeRepo:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    repo = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    repo.create("cps_2024")
    with (repo.root / "pyproject.toml").open("a") as file:
        file.write(f"store = {json.dumps(str(tmp_path / 'bucket'))}\n")
    return repo


def files_of(repo: HandMadeRepo) -> list[Path]:
    return sorted(one for one in (repo.root / "channels").rglob("*") if one.is_file())


def test_a_witness_cosigns_by_the_lines_that_maintainers_give(
    repo: HandMadeRepo, tmp_path: Path
) -> None:
    repo.build("cps_2024", b"cps")
    repo.update_latest()
    repo.push(LocalStore(tmp_path / "bucket"))
    before = {path: path.read_bytes() for path in files_of(repo)}
    lines = run_pe_dvc("channel", "witnesses", "--entry", cwd=repo.root).stdout
    assert {path: path.read_bytes() for path in files_of(repo)} == before

    witness = tmp_path / "witness"
    witness.mkdir()
    whose = 'name = "witness.example.org/one"\nkey = "../witness.pem"\nstate = "state"\n'
    (witness / "witness.toml").write_text(f"{whose}\n{lines}")
    run_pe_dvc("witness", "key", cwd=witness)
    said = run_pe_dvc("witness", "cosign", cwd=witness).stdout
    assert said.startswith("ok       pe-dvc/us: 0 to ")

    as_json = run_pe_dvc("channel", "witnesses", "--entry", "--json", cwd=repo.root).stdout
    (log,) = parse_settings(f"{whose}{lines}".encode(), where="witness.toml").logs
    assert json.loads(as_json) == {**log.model_dump(mode="json"), "keys": list(log.keys)}
    run_pe_dvc("channel", "witnesses", "--entry", "--none", cwd=repo.root, code=2)


@pytest.mark.parametrize(("count", "most"), [(1, 1), (3, 2), (4, 3)])
def test_more_than_half_of_the_witnesses_are_demanded(
    repo: HandMadeRepo, tmp_path: Path, count: int, most: int
) -> None:
    names = [f"witness.example.org/{number}" for number in range(count)]
    keys = [str(TestWitness(tmp_path, (), name).key) for name in names]
    said = run_pe_dvc("channel", "witnesses", *keys, cwd=repo.root).stderr
    assert f"readers will demand more than half of these witnesses: {count}" in said
    rule = witness_rule(repo.channels.metadata.root.signed.unrecognized_fields, where="root")
    assert rule is not None
    assert rule.threshold == most


def test_a_log_that_no_witness_can_follow_is_said(repo: HandMadeRepo) -> None:
    files = repo.channels.files
    metadata = files.read("root", Root)
    old = metadata.signed.roles["timestamp"].keyids[0]
    metadata.signed.add_key(CryptoSigner.generate_ecdsa().public_key, "timestamp")
    metadata.signed.revoke_key(old, "timestamp")
    metadata.signatures.clear()
    repo.channels.signers.sign(metadata.signed, "root", metadata)
    files.write("root", metadata)
    with pytest.raises(NotFoundError, match="no key of timestamp is of Ed25519") as caught:
        pe_dvc.Repo(repo.root).channel.witness_entry()
    follow(
        str(caught.value),
        "no key of … is of Ed25519, and witnesses know no other",
        lambda command: run(*command, cwd=repo.root),
    )
    assert len(pe_dvc.Repo(repo.root).channel.witness_entry().keys) == 1
