"""A release is whole only with the sidecars that its manifests name, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import CHUNK_SIZE
from pe_dvc.primitives.errors import ReleaseError
from pe_dvc.project.release import Releases
from pe_dvc.project.stores import open_store
from tests.support.advice import follow
from tests.support.commands import run
from tests.support.release_history import DATASETS, History

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket

SIDECARS = {"profile": b'{"schema_version": 1}\n', "codebook": b'{"columns": {}}\n'}
KINDS = ("profile", "codebook", "chunks")


@pytest.fixture(params=["directory", "s3"])
def tagged(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> History:
    """A data repo whose tag 1.0.0 has datasets with sidecars, all of it pushed."""
    history = History(tmp_path)
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(history.keys))
    monkeypatch.chdir(history.root)
    if request.param == "s3":
        bucket: S3Bucket = request.getfixturevalue("s3_bucket")
        history.store = open_store(bucket.url, options=bucket.server.options)
    history.build({**DATASETS, "cps_2024": bytes(CHUNK_SIZE + 1)}, sidecars=SIDECARS)
    history.sign()
    history.commit()
    history.git("tag", "1.0.0")
    return history


def releases(history: History) -> Releases:
    opened = Releases(history.root)
    opened.store = history.store
    return opened


def create(history: History) -> None:
    releases(history).create("1.0.0")
    history.commit("Release 1.0.0")


def key_of(history: History, kind: str) -> str:
    named = sidecars_of(history.manifests["cps_2024"])
    return next(one.key for one in named if one.kind == kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_sidecar_stops_create_and_push(tagged: History, kind: str) -> None:
    key = key_of(tagged, kind)
    kept, _ = tagged.store.read(key, limit=1000)
    tagged.store.delete([key])
    with pytest.raises(ReleaseError, match=rf"cps_2024 \({kind} missing\)") as stopped:
        releases(tagged).create("1.0.0")
    assert "fsck --repair" in str(stopped.value.remedy)
    assert tagged.git("status", "--porcelain") == ""
    tagged.store.overwrite(key, kept)
    create(tagged)
    tagged.store.delete([key])
    with pytest.raises(ReleaseError, match=f"{kind} missing"):
        releases(tagged).push("1.0.0")
    assert not list(tagged.store.list("us/releases"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sidecar_altered_in_the_bucket_fails_verify(tagged: History, kind: str) -> None:
    create(tagged)
    releases(tagged).push("1.0.0")
    assert releases(tagged).verify("1.0.0")[0].artifacts == 3
    tagged.store.overwrite(key_of(tagged, kind), b'{"schema_version": 1, "mean": 0}\n')
    with pytest.raises(ReleaseError, match=rf"cps_2024 \({kind} altered: expected sha256:"):
        releases(tagged).verify("1.0.0")
    tagged.store.delete([key_of(tagged, kind)])
    with pytest.raises(ReleaseError, match=f"{kind} missing"):
        releases(tagged).verify("1.0.0")


@pytest.mark.parametrize("tagged", ["directory"], indirect=True)
def test_what_the_bucket_lost_is_put_back_as_advised(tagged: History) -> None:
    create(tagged)
    tagged.store.delete([key_of(tagged, "profile")])
    with pytest.raises(ReleaseError) as stopped:
        releases(tagged).push("1.0.0")
    environment = {**tagged.environment, "PE_DVC_KEYS_DIR": str(tagged.keys)}
    follow(
        str(stopped.value.remedy),
        "is put back by pe-dvc fsck --repair",
        lambda command: run(*command, cwd=tagged.root, environment=environment),
    )
    assert releases(tagged).push("1.0.0").documents
