"""An exported release, verified without bucket, clone and network; and copies that were altered."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import pe_dvc
from pe_dvc.cli.main import cli
from pe_dvc.documents.keys import STATEMENTS
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    SignatureError,
    UntrustedError,
    VerificationError,
)
from pe_dvc.project.channel_keys import rotate_key
from pe_dvc.project.release import Releases
from pe_dvc.project.repo import DataRepo
from tests.support.release_history import DATASETS, History, shared_history
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TAG = "1.0.0"


def publish(history: History) -> None:
    history.release(TAG)
    history.publish_channels()
    history.publish_release(TAG)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export, made once; neither bucket nor clone are there."""
    base = tmp_path_factory.mktemp("export")
    with shared_history(base) as history:
        publish(history)
        Releases(history.root).export(TAG, base / "copy")
    shutil.rmtree(base / "made")
    return base / "copy"


@pytest.fixture
def copy(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the export, on a machine that has pinned the root."""
    place = tmp_path / "copy"
    shutil.copytree(export, place)
    pe_dvc.TrustedRoots().add("us", export / "channels/us/root.json")
    monkeypatch.chdir(tmp_path)
    return place


def verify(copy: Path, **given: object) -> object:
    return pe_dvc.Repo().release.verify_export(copy, **given)  # type: ignore[arg-type]


def test_a_copy_is_verified_from_the_pinned_root(copy: Path) -> None:
    found = pe_dvc.Repo().release.verify_export(copy)
    assert (found.tag, found.country, found.state) == (TAG, "us", "staged")
    assert found.artifacts == len(DATASETS)
    assert found.size == sum(map(len, DATASETS.values()))
    assert found.statements == len(DATASETS)


def test_the_command_says_so_and_prints_json(copy: Path) -> None:
    said = CliRunner().invoke(cli, ["release", "verify", "--offline", str(copy)])
    assert said.output.startswith("ok  1.0.0: 3 artifacts"), said.output
    as_json = CliRunner().invoke(cli, ["release", "verify", TAG, "--offline", str(copy), "--json"])
    assert json.loads(as_json.stdout)["tag"] == TAG
    for words in ([], ["--root", "x"], ["--offline", str(copy), "--store", "s"]):
        assert CliRunner().invoke(cli, ["release", "verify", *words]).exit_code == 2


def test_a_root_file_will_do_instead_of_a_pin(copy: Path, tmp_path: Path) -> None:
    root = tmp_path / "root.json"
    shutil.copyfile(copy / "channels/us/root.json", root)
    pe_dvc.TrustedRoots().remove("us")
    with pytest.raises(UntrustedError):
        verify(copy)
    pe_dvc.Repo().release.verify_export(copy, root=root)


def altered(path: str, data: bytes) -> Callable[[Path], None]:
    def change(copy: Path) -> None:
        (copy / path).write_bytes(data)

    return change


def appended(path: str) -> Callable[[Path], None]:
    def change(copy: Path) -> None:
        (copy / path).write_bytes((copy / path).read_bytes() + b"\n")

    return change


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(copy: Path) -> None:
        text = (copy / path).read_text()
        assert old in text
        (copy / path).write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (altered("payload/data/states/WY.parquet", b"WYOMING"), DigestMismatchError),
        (lambda copy: (copy / "payload/data/states/WY.parquet").unlink(), NotFoundError),
        (altered("payload/more.txt", b"unsigned"), VerificationError),
        (appended("payload/release_manifest.json"), DigestMismatchError),
        (appended("trace.tro.jsonld"), DigestMismatchError),
        (appended(STATEMENTS), FormatError),
        (lambda copy: (copy / STATEMENTS).unlink(), NotFoundError),
        (replaced("channels/us/releases.json", '"staged"', '"certified"'), SignatureError),
        (replaced("channels/us/targets.json", '"version": 1', '"version": 2'), SignatureError),
        (lambda copy: shutil.rmtree(copy / "channels"), NotFoundError),
    ],
    ids=[
        *("altered payload", "missing payload", "a file beside", "altered manifest"),
        *("altered TRO", "altered statements", "no statements", "altered role"),
        *("altered targets", "no signed metadata"),
    ],
)
def test_an_altered_copy_is_refused(
    copy: Path, change: Callable[[Path], None], error: type[PeDvcError]
) -> None:
    change(copy)
    with pytest.raises(error):
        verify(copy)


def test_statements_of_other_bytes_are_refused(copy: Path) -> None:
    lines = (copy / STATEMENTS).read_bytes().splitlines(keepends=True)
    (copy / STATEMENTS).write_bytes(b"".join(lines[1:]))
    with pytest.raises(DigestMismatchError, match="statements"):
        verify(copy)


def test_a_link_among_the_payloads_is_refused(copy: Path, tmp_path: Path) -> None:
    place = copy / "payload/data/states/WY.parquet"
    place.rename(tmp_path / "WY")
    place.symlink_to(tmp_path / "WY")
    with pytest.raises(FormatError, match="link"):
        verify(copy)


def test_the_whole_of_a_stranger_is_refused(copy: Path, tmp_path: Path) -> None:
    """A thief without keys makes channels of his own, for the same country."""
    stranger = SignedChannels(tmp_path / "theirs", tmp_path / "their-keys")
    stranger.create()
    shutil.rmtree(copy / "channels")
    shutil.copytree(tmp_path / "theirs", copy / "channels")
    with pytest.raises(VerificationError, match="does not follow from the one that is pinned"):
        verify(copy)


def test_another_tag_than_the_one_asked_for_is_refused(copy: Path) -> None:
    with pytest.raises(VerificationError, match=r"is release 1\.0\.0, not 1\.0\.1"):
        verify(copy, tag="1.0.1")


def test_a_copy_from_before_a_key_was_replaced_is_refused_under_the_newer_root(
    history: History, tmp_path: Path
) -> None:
    publish(history)
    Releases(history.root).export(TAG, tmp_path / "copy")
    root = history.root / "channels/us/root.json"
    rotate_key(DataRepo(history.root), "targets")
    with pytest.raises(SignatureError):
        pe_dvc.Repo().release.verify_export(tmp_path / "copy", root=root)
    history.commit("Replace the key")
    history.publish_channels()
    Releases(history.root).export(TAG, tmp_path / "copy")
    pe_dvc.Repo().release.verify_export(tmp_path / "copy", root=root)


def test_a_release_that_is_not_signed_is_exported_without_metadata(
    released: History, tmp_path: Path
) -> None:
    Releases(released.root).export(TAG, tmp_path / "copy")
    assert not (tmp_path / "copy/channels").exists()
    with pytest.raises(NotFoundError, match="signed metadata of 0 countries"):
        pe_dvc.Repo().release.verify_export(tmp_path / "copy", root=None)
