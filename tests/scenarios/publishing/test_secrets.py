"""What must not leave the machine: secrets in manifests and private keys in the work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import VerificationError
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
    with pytest.raises(VerificationError) as caught:
        repo.push(store)
    assert "manifests/cps.json" in caught.value.message
    assert "params.yaml:api_key" in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.remedy}"
    assert not list(store.list(""))
    settings = repo.root / "pyproject.toml"
    settings.write_text(settings.read_text() + 'allowed_params = ["params.yaml:api_key"]\n')
    repo.push(store)


def test_params_that_only_look_like_secrets_are_pushed(repo: HandMadeRepo) -> None:
    with_params(repo, token_count=5, key=True, monkey="x", keyword="y", merge_key="person_id")
    repo.push(MemoryStore())
