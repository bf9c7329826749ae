"""What must not leave the machine: secrets in manifests and private keys in the work tree."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.primitives.redact import holds_private_key
from pe_dvc.project.check import check
from pe_dvc.project.repo import DataRepo
from tests.support.commands import run
from tests.support.memory_store import MemoryStore
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandMadeRepo:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    made = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    made.create("cps")
    made.build("cps", b"some bytes")
    made.update_latest()
    return made


def with_params(repo: HandMadeRepo, **params: object) -> None:
    path = repo.root / "manifests/cps.json"
    manifest = Manifest.from_bytes(path.read_bytes())
    inputs = manifest.inputs.model_copy(update={"params": {"params.yaml": params}})
    inputs = inputs.model_copy(update={"composite_digest": inputs.digest()})
    path.write_bytes(manifest.model_copy(update={"inputs": inputs}).to_bytes())
    repo.update_latest()


def test_a_manifest_with_a_secret_is_not_pushed(repo: HandMadeRepo) -> None:
    with_params(repo, seed=1, api_key="hunter2")
    store = MemoryStore()
    (found,) = [one for one in check(DataRepo(repo.root)) if not one.ok]
    assert (found.name, "params.yaml:api_key" in found.detail) == ("manifests/cps.json", True)
    with pytest.raises(VerificationError) as caught:
        repo.push(store)
    assert "manifests/cps.json" in caught.value.message
    assert "params.yaml:api_key" in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.remedy}"
    assert not list(store.list(""))
    settings = repo.root / "pyproject.toml"
    settings.write_text(settings.read_text() + 'allowed_params = ["params.yaml:api_key"]\n')
    assert verdicts(repo) == []
    repo.push(store)


def test_params_that_only_look_like_secrets_are_pushed(repo: HandMadeRepo) -> None:
    with_params(repo, token_count=5, key=True, monkey="x", keyword="y", merge_key="person_id")
    repo.push(MemoryStore())


def verdicts(repo: HandMadeRepo, *, staged: bool = False) -> list[str]:
    return [found.name for found in check(DataRepo(repo.root), staged=staged) if not found.ok]


@pytest.mark.parametrize("where", ["carol.pem", "notes/deep/service.json"])
def test_a_private_key_in_the_work_tree(repo: HandMadeRepo, where: str) -> None:
    key = (repo.keys / "us/timestamp.pem").read_text()
    path = repo.root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"private_key": key}) if path.suffix == ".json" else key)
    store = MemoryStore()
    for _ in ("untracked", "tracked"):
        assert verdicts(repo) == [where]
        with pytest.raises(VerificationError, match=re.escape(where)):
            repo.push(store)
        run("git", "add", "-A", cwd=repo.root)
        assert verdicts(repo, staged=True) == [where]
    assert not list(store.list(""))
    run("git", "rm", "-q", "--cached", where, cwd=repo.root)
    (repo.root / ".git/info/exclude").write_text(f"/{where}\n")
    assert verdicts(repo) == []
    assert verdicts(repo, staged=True) == []
    repo.push(store)


def test_what_is_no_private_key_and_what_is_no_file(repo: HandMadeRepo) -> None:
    (repo.root / "README.md").write_text("Never commit `-----BEGIN PRIVATE KEY-----` files.\n")
    (repo.root / "key.pub.pem").write_text(
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAAAAAAAAAAAAAAAA\n-----END PUBLIC KEY-----\n"
    )
    (repo.root / "zero").symlink_to("/dev/zero")
    os.mkfifo(repo.root / "pipe")
    assert verdicts(repo) == []
    repo.push(MemoryStore())


@pytest.mark.parametrize("kind", ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""])
def test_the_forms_of_private_keys(kind: str) -> None:
    begin = f"-----BEGIN {kind}PRIVATE KEY-----"
    for text in (
        f"{begin}\nMC4CAQAwBQYDK2VwBCIE\n",
        f"{begin}\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,00\r\n\r\n"
        "MC4CAQAwBQYDK2VwBCIE",
        f'x = """\n    {begin}\n    MC4CAQAwBQYDK2VwBCIE',
        json.dumps({"key": f"{begin}\nMC4CAQAwBQYDK2VwBCIE"}),
    ):
        assert holds_private_key(text.encode()), text


def test_a_file_made_to_keep_the_search_busy() -> None:
    begin = b"-----BEGIN PRIVATE KEY-----\n"
    assert not holds_private_key(begin + b"a: " * 100_000)
    assert not holds_private_key(begin + b"a: \n" * 100_000)
    assert not holds_private_key(begin * 20_000)
