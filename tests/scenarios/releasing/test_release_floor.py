"""A release manifest carries what was published last: a floor for who reads by the release."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.primitives.errors import FormatError, RollbackError
from pe_dvc.project.notes import _said
from pe_dvc.project.release import Releases
from pe_dvc.project.release_repo import ReleaseRepo
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.seen import SeenPublication
from pe_dvc.usecases.publish.seen import read_back
from tests.support.country import reader_at
from tests.support.release_history import DATASETS, History

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenarios.releasing.consumer import Consumer

Patch = pytest.MonkeyPatch
FOLDER = "channels/us/seen"


def note(history: History, *more: str) -> SeenPublication:
    """Keep what is published as a push does."""
    stores = [place_name(str(history.bucket)), *more]
    seen = read_back(bucket_of(history.store, history.signed.metadata), stores)
    assert seen is not None
    history.write(f"{FOLDER}/{seen.file_name}", seen.to_bytes())
    return seen


@pytest.fixture
def published(history: History) -> History:
    """A repo that has published twice, noted both, and tagged; ``before`` is the first state."""
    history.build()
    history.sign()
    history.publish_channels()
    note(history)
    shutil.copytree(history.bucket, history.base / "before")
    history.build({**DATASETS, "cps_2024": b"another nation"})
    history.sign()
    history.publish_channels()
    note(history)
    history.commit()
    history.git("tag", "1.0.0")
    return history


def carried(history: History, tag: str = "1.0.0") -> object:
    data = ReleaseRepo(history.root).release(tag).data
    assert ReleaseManifest.from_bytes(data).to_bytes() == data
    return json.loads(data)["build"]["metadata"].get("published")


def test_a_tag_with_a_publication_carries_the_last(published: History) -> None:
    (newest,) = published.root.glob(f"{FOLDER}/2-*.json")
    assert carried(published) == json.loads(newest.read_bytes())
    data = ReleaseRepo(published.root).release("1.0.0").data
    seen = SeenPublication.of_release(data, where="here")
    assert seen.to_bytes() == newest.read_bytes()


def test_it_is_a_function_of_the_tag(published: History) -> None:
    """Whatever is published, noted or removed later, and whatever lies in the work tree."""
    before = ReleaseRepo(published.root).release("1.0.0").data
    shutil.rmtree(published.root / FOLDER)
    published.release("2.0.0", {**DATASETS, "cps_2024": b"a third nation"})
    assert ReleaseRepo(published.root).release("1.0.0").data == before
    assert carried(published, "2.0.0") is None


def test_a_tag_without_a_publication_keeps_its_bytes(released: History) -> None:
    data = ReleaseRepo(released.root).release("1.0.0").data
    assert b"published" not in data


def unsigned(seen: SeenPublication) -> bytes:
    document = json.loads(seen.to_bytes())
    document["timestamp"]["signed"]["version"] = 99_999
    return json.dumps(document).encode()


def of_another_country(seen: SeenPublication) -> bytes:
    return json.dumps(json.loads(seen.to_bytes()) | {"country": "uk"}).encode()


def html(seen: SeenPublication) -> bytes:
    return b"<html>"


@pytest.mark.parametrize("forge", [unsigned, of_another_country, html])
def test_what_the_tags_own_root_does_not_vouch_for_is_left_out(
    published: History, forge: Callable[[SeenPublication], bytes]
) -> None:
    before = carried(published)
    published.write(f"{FOLDER}/99999-aaaaaaaa.json", forge(note(published)))
    published.commit("Forge")
    published.git("tag", "1.0.1")
    assert carried(published, "1.0.1") == before


def test_of_two_buckets_the_last_publication_counts(published: History) -> None:
    """The data were moved: versions in the new bucket began again."""
    moved = json.loads((note(published)).to_bytes()) | {"stores": ["s3://moved"]}
    for file in published.root.glob(f"{FOLDER}/*.json"):
        file.unlink()
    published.write(f"{FOLDER}/1-aaaaaaaa.json", json.dumps(moved))
    published.commit("Move")
    published.git("tag", "1.0.1")
    assert carried(published, "1.0.1") == moved


class Reader:
    """Somebody without a clone, who was given root.json and a release manifest."""

    def __init__(self, history: History, patch: Patch) -> None:
        self.folder = history.base / "given"
        self.folder.mkdir()
        self.root, self.manifest = self.folder / "root.json", self.folder / "release_manifest.json"
        shutil.copy(history.root / "channels/us/root.json", self.root)
        self.manifest.write_bytes(Releases(history.root).derive("1.0.0").data)
        _said.clear()
        reader_at(history.base / "reader", patch)
        patch.setenv("PE_DVC_STORE", str(history.bucket))
        patch.chdir(history.base)

    def pin(self) -> int | None:
        pinned: int | None = pe_dvc.TrustedRoots().add("us", self.root, seen=self.manifest).seen
        return pinned


def test_who_was_given_a_release_refuses_what_is_older(
    published: History, monkeypatch: Patch
) -> None:
    reader = Reader(published, monkeypatch)
    shutil.move(published.bucket, published.base / "after")
    shutil.move(published.base / "before", published.bucket)
    assert reader.pin() == 2
    for _ in range(2):
        with pytest.raises(RollbackError, match="timestamp version 1"):
            pe_dvc.ls("us")
    shutil.rmtree(published.bucket)
    shutil.move(published.base / "after", published.bucket)
    assert [one.name for one in pe_dvc.ls("us")]


def test_the_older_state_is_believed_without_it(published: History, monkeypatch: Patch) -> None:
    reader = Reader(published, monkeypatch)
    shutil.rmtree(published.bucket)
    shutil.move(published.base / "before", published.bucket)
    pe_dvc.TrustedRoots().add("us", reader.root)
    assert pe_dvc.ls("us")


def nothing(document: dict[str, object]) -> object:
    document["build"] = {"metadata": {}}
    return document


def no_build(document: dict[str, object]) -> object:
    return {"artifacts": document["artifacts"]}


def odd(document: dict[str, object]) -> object:
    document["build"] = {"metadata": {"published": [1]}}
    return document


@pytest.mark.parametrize("change", [nothing, no_build, odd])
def test_a_release_that_carries_nothing_is_said(
    published: History, monkeypatch: Patch, change: Callable[[dict[str, object]], object]
) -> None:
    reader = Reader(published, monkeypatch)
    reader.manifest.write_text(json.dumps(change(json.loads(reader.manifest.read_bytes()))))
    with pytest.raises(FormatError, match=r"release_manifest\.json"):
        reader.pin()
    assert pe_dvc.TrustedRoots().fingerprints() == {}


def test_a_bare_clone_goes_by_its_head(published: History, monkeypatch: Patch) -> None:
    """It has no work tree, and may never have read the bucket."""
    published.publish_release("1.0.0")
    note(published)
    published.commit("Note")
    bare = published.base / "bare.git"
    published.git("clone", "--quiet", "--bare", str(published.root), str(bare))
    reader_at(published.base / "reader", monkeypatch)
    monkeypatch.chdir(published.base)
    releasing = Releases(bare, store=str(published.bucket))
    assert "1.0.0" in releasing.signed.releases()
    shutil.rmtree(published.bucket / "channels")
    shutil.copytree(published.base / "before/channels", published.bucket / "channels")
    reader_at(published.base / "another", monkeypatch)
    with pytest.raises(RollbackError):
        Releases(bare, store=str(published.bucket)).signed.releases()


def test_policyengine_loads_it(consumer: Consumer, published: History, tmp_path: Path) -> None:
    path = tmp_path / "release_manifest.json"
    path.write_bytes(Releases(published.root).derive("1.0.0").data)
    assert consumer.call("load", manifest=path)["build"]["build_id"].startswith("policyengine-us")
