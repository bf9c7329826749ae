"""What is hashed of a directory, and when: by manifests, push, verify and pull."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters import directories
from pe_dvc.adapters.directories import members_in, members_of_workspace
from pe_dvc.adapters.member_digests import MemberDigests
from pe_dvc.documents.keys import members_key, payload_key
from pe_dvc.documents.members import CHUNKS_ABOVE
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256, chunk_digests, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, PeDvcError
from tests.support.directories import NAME, STATES, md5_of
from tests.support.tracked_directory import add_states, clone_of

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

LISTED = {path: md5_of(data) for path, data in STATES.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory that settled: its files were written a while ago."""
    folder = tmp_path / "data/states"
    for path, data in STATES.items():
        write(folder / path, data)
    return folder


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(0, path.stat().st_mtime_ns - 10**9))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths of files that are read, as they are."""
    found: list[str] = []
    real = directories._hash

    def counting(file: str | Path, path: str) -> object:
        found.append(path)
        return real(file, path)

    monkeypatch.setattr(directories, "_hash", counting)
    return found


def test_files_that_did_not_change_are_not_read_again(
    tmp_path: Path, folder: Path, hashed: list[str]
) -> None:
    first = members_in(folder, LISTED, MemberDigests(tmp_path))
    assert sorted(hashed) == sorted(STATES)
    hashed.clear()
    assert members_in(folder, LISTED, MemberDigests(tmp_path)).data == first.data
    assert hashed == []
    write(folder / "AL.h5", b"ALABAMA")
    write(folder / "new/AZ.h5", b"arizona")
    (folder / "AK.h5").unlink()
    again = members_of_workspace(folder, MemberDigests(tmp_path))
    assert sorted(hashed) == ["AL.h5", "new/AZ.h5"]
    anew = members_of_workspace(folder)
    assert again is not None
    assert anew is not None
    assert again.data == anew.data


def test_a_file_that_was_just_written_is_read_again(
    tmp_path: Path, folder: Path, hashed: list[str]
) -> None:
    """It may change once more within the resolution of its mtime."""
    (folder / "AL.h5").write_bytes(b"alabama")
    members_in(folder, LISTED, MemberDigests(tmp_path))
    hashed.clear()
    members_in(folder, LISTED, MemberDigests(tmp_path))
    assert hashed == ["AL.h5"]


def test_damaged_digests_are_made_again(tmp_path: Path, folder: Path, hashed: list[str]) -> None:
    first = members_in(folder, LISTED, MemberDigests(tmp_path))
    (kept,) = (tmp_path / ".dvc/tmp/pe_dvc/members").iterdir()
    kept.chmod(0o644)
    for damaged in (
        b"",
        b"x",
        kept.read_bytes()[:-1],
        kept.read_bytes().replace(b"AL.h5", b"AX.h5"),
    ):
        kept.write_bytes(damaged)
        hashed.clear()
        assert members_in(folder, LISTED, MemberDigests(tmp_path)).data == first.data
        assert sorted(hashed) == sorted(STATES)


def test_a_large_file_has_the_digests_of_its_chunks(tmp_path: Path) -> None:
    data = os.urandom(CHUNKS_ABOVE + 5)
    write(tmp_path / "data/states/part.parquet", data)
    members = members_of_workspace(tmp_path / "data/states")
    assert members is not None
    (found,) = members
    assert found.chunks == (CHUNK_SIZE, chunk_digests([data]))
    assert (found.sha256, found.md5) == (sha256_bytes(data), md5_of(data))


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = directories._digests

    def changing(opened: object, path: str, size: int) -> object:
        found = real(opened, path, size)  # type: ignore[arg-type]
        write(folder / path, b"another length")
        return found

    monkeypatch.setattr(directories, "_digests", changing)
    with pytest.raises(DigestMismatchError, match="changed while it was read"):
        members_in(folder, LISTED, MemberDigests(tmp_path))
    with pytest.raises(DigestMismatchError, match="changed while it was read"):
        members_of_workspace(folder)


def test_a_link_to_a_folder_is_refused(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FormatError, match="link to a folder"):
        members_of_workspace(folder)
    with pytest.raises(FormatError, match="link to a folder"):
        members_in(folder, LISTED, MemberDigests(tmp_path))


@pytest.mark.parametrize("kind", ["a pipe", "a link to nothing", "a link to itself"])
def test_what_is_no_file_is_refused(tmp_path: Path, folder: Path, kind: str) -> None:
    path = folder / "AZ.h5"
    if kind == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("AZ.h5" if kind == "a link to itself" else "nothing")
    with pytest.raises((PeDvcError, OSError), match=r"AZ\.h5"):
        members_of_workspace(folder, MemberDigests(tmp_path))


def test_a_push_reads_no_file_for_its_list(built: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is the one that was made with the manifest, and is checked against it."""
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.sidecars import parts_of

    manifest = add_states(built)
    monkeypatch.setattr(directories, "_hash", None)
    repo = DataRepo(built.repo)
    assert sha256_bytes(parts_of(repo, manifest)) == manifest.artifact.parts_sha256
    shutil.rmtree(built.repo / ".dvc/tmp/pe_dvc")
    with pytest.raises(TypeError):
        parts_of(DataRepo(built.repo), manifest)


def test_a_push_says_that_a_directory_was_edited(built: Sandbox) -> None:
    add_states(built)
    built.pe_dvc("push")
    folder = built.repo / "data" / NAME
    assert "was edited" not in built.pe_dvc("push").stderr
    (folder / "AL.h5").unlink()
    (folder / "AL.h5").write_bytes(b"ALABAMA")
    assert f"data/{NAME} was edited since dvc repro" in built.pe_dvc("push").stderr
    (folder / "AL.h5").unlink()
    (folder / "AL.h5").write_bytes(b"alabama")
    (folder / "AK.H5").write_bytes(b"differs by case alone from another")
    (folder / "ak.h5").write_bytes(b"x")
    assert f"data/{NAME} was edited since dvc repro" in built.pe_dvc("push").stderr


NAMES = [
    "\U0001f5fa map.h5",
    "caf\u00e9/\u6771\u4eac.h5",
    " leading and trailing ",
    "a'b\"c$(d).h5",
]


def test_names_with_emoji_spaces_and_quotes_are_published_and_read(sandbox: Sandbox) -> None:
    files = {name: name.encode() for name in NAMES}
    add_states(sandbox, files)
    sandbox.pe_dvc("push")
    clone = clone_of(sandbox)
    sandbox.pe_dvc("pull", cwd=clone)
    assert {p: (clone / "data" / NAME / p).read_bytes() for p in files} == files
    sandbox.pe_dvc("trust", "add", "us", "channels/us/root.json")
    sandbox.pe_dvc("get", f"us/{NAME}@latest", "-o", "out")
    assert {p: (sandbox.repo / "out" / p).read_bytes() for p in files} == files
    path = sandbox.pe_dvc("get", f"us/{NAME}@latest/{NAMES[1]}").stdout.strip()
    assert Path(path).read_bytes() == files[NAMES[1]]


@pytest.mark.parametrize(
    "name", ["a\nb.h5", "a\u202eb.h5", b"a\xff.h5".decode(errors="surrogateescape")]
)
def test_a_name_that_cannot_be_shown_is_refused_when_it_is_hashed(folder: Path, name: str) -> None:
    write(folder / name, b"x")
    with pytest.raises(FormatError):
        members_of_workspace(folder)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data/states/empty").mkdir(parents=True)
    with pytest.raises(FormatError, match="an empty directory cannot be a dataset"):
        members_of_workspace(tmp_path / "data/states")


def test_a_pull_verifies_files_by_sha256(sandbox: Sandbox) -> None:
    add_states(sandbox)
    sandbox.pe_dvc("push")
    clone = clone_of(sandbox)
    pulled = sandbox.json("pull", cwd=clone)
    assert pulled["by_md5"] == 0
    assert {p: (clone / "data" / NAME / p).read_bytes() for p in STATES} == STATES
    again = sandbox.json("pull", cwd=clone)
    assert (again["downloaded"], again["checked_out"], again["by_md5"]) == ([], [], 0)


def test_a_pull_refuses_a_list_that_was_swapped_or_is_gone(built: Sandbox) -> None:
    manifest = add_states(built)
    built.pe_dvc("push")
    sidecar = Path(built.store) / members_key("us", Sha256(manifest.artifact.sha256))
    sidecar.chmod(0o644)
    good = sidecar.read_bytes()
    sidecar.write_bytes(good.replace(b"AL.h5", b"AX.h5"))
    clone = clone_of(built)
    refused = built.pe_dvc("pull", cwd=clone, code=1)
    assert "the list of members" in refused.stderr
    sidecar.unlink()
    assert "the list of the files of" in built.pe_dvc("pull", cwd=clone, code=3).stderr
    assert not (clone / "data" / NAME / "AL.h5").exists()
    sidecar.write_bytes(good)
    built.pe_dvc("pull", cwd=clone)
    assert (clone / "data" / NAME / "AL.h5").read_bytes() == b"alabama"


def test_a_pull_refuses_a_listing_of_dvc_that_was_swapped(built: Sandbox) -> None:
    """DVC's own digest of it is all that DVC looks at; here it must be the manifest's files."""
    manifest = add_states(built)
    built.pe_dvc("push")
    listing = Path(built.store) / payload_key("us", manifest.artifact.dvc.md5)
    listing.chmod(0o644)
    listing.write_bytes(listing.read_bytes().replace(b"AL.h5", b"AX.h5"))
    clone = clone_of(built)
    refused = built.pe_dvc("pull", cwd=clone, code=1)
    assert "md5" in refused.stderr
    assert not (clone / "data" / NAME).exists()


def test_a_pull_without_a_bucket_makes_the_list_from_the_cache(built: Sandbox) -> None:
    add_states(built)
    shutil.rmtree(built.repo / ".dvc/tmp/pe_dvc")
    shutil.rmtree(built.repo / "data" / NAME)
    pulled = built.json("pull", NAME)
    assert (pulled["downloaded"], len(pulled["checked_out"]), pulled["by_md5"]) == ([], 3, 0)
