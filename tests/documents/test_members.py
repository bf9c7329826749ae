"""The list of a directory's files, its identity, and what nobody can make of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.members import CHUNKS_ABOVE, Members, dir_hash, list_sorted, read_members
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from tests.support.directories import STATES, lines, member

if TYPE_CHECKING:
    from pathlib import Path

IN_TOTO = {
    "github.com/marklodato/go-hello-world@v0.0.1/README.md": (
        "3a137eef6458bfb76bb2c63fc29ffc7166604d2d2e09ed9d8250a534122a8364"
    ),
    "github.com/marklodato/go-hello-world@v0.0.1/go.mod": (
        "28e7c942a036902d981759d0bf5704d2bfc7cb500caf68b84711b234af01c6a5"
    ),
    "github.com/marklodato/go-hello-world@v0.0.1/main.go": (
        "ddc4da627d9a9f45fb29641a1b185d6f53287ecfd921aacbf4fe54b7a86fe8d1"
    ),
}
"""The example in in-toto's specification of ``dirHash``."""
COMMAND = "find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum"


def test_the_identity_is_that_of_the_example_of_in_toto() -> None:
    expected = "2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f"
    assert dir_hash((path, Sha256(digest)) for path, digest in IN_TOTO.items()) == expected


def test_the_identity_is_what_the_command_in_the_specification_prints(tmp_path: Path) -> None:
    files = {**STATES, "a-b": b"1", "a/b": b"2", "ä": b"3", "Z": b"4"}
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    printed = subprocess.run(COMMAND, shell=True, cwd=tmp_path, capture_output=True, check=True)
    members = list_sorted(sorted(member(p, d) for p, d in files.items()), where="x")
    assert members.dir_hash == printed.stdout.split()[0].decode()


def test_a_list_is_read_back() -> None:
    wanted = sorted(member(path, data) for path, data in STATES.items())
    members = list_sorted(wanted, where="x")
    assert list(members) == wanted
    assert (members.count, members.size) == (3, 19)
    assert members.member("AL.h5", where="us/states").size == 7
    with pytest.raises(NotFoundError, match=r"has no file 'AZ.h5'"):
        members.member("AZ.h5", where="us/states")


def test_a_large_file_has_the_digests_of_its_chunks() -> None:
    wanted = [member("a", b"x"), member("b", bytes(CHUNKS_ABOVE + 1)), member("c", b"y")]
    members = list_sorted(wanted, where="x")
    assert list(members) == wanted
    assert [one.chunks is not None for one in members] == [False, True, False]
    assert members.data.count(b"\n") == 4
    assert members.dir_hash == dir_hash((one.path, one.sha256) for one in wanted)


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(FormatError, match="cannot be shown"):
        list_sorted([member("a\udcff", b"x")], where="x")


ATTACKS = {
    "out of the directory": ["../AL.h5"],
    "out of a folder": ["a/../../AL.h5"],
    "an absolute path": ["/etc/passwd"],
    "a folder of git": [".git/hooks/post-checkout"],
    "a folder of git, as macOS spells it": [".Git/config"],
    "a folder of dvc": ["x/.dvc/config"],
    "twice": ["AL.h5", "AL.h5"],
    "out of order": ["b", "a"],
    "two names that differ by case": ["AL.h5", "al.h5"],
    "two folders that differ by case": ["A/x", "a/y"],
    "two names that are one to macOS": ["cafe\u0301.h5", "caf\u00e9.h5"],
    "two folders that are one to macOS": ["cafe\u0301/x", "caf\u00e9/y"],
    "a file and a folder": ["a", "a/b"],
    "a backslash": ["a\\b"],
    "a control character": ["a\x1bb"],
    "a line feed": ["a\nb"],
    "a line separator": ["a\u2028b"],
    "a direction mark": ["a\u202eb"],
    "bytes that are no text": ["a\udcff"],
    "an empty name": [""],
    "no file": [],
}


@pytest.mark.parametrize("paths", ATTACKS.values(), ids=ATTACKS)
def test_no_directory_has(paths: list[str]) -> None:
    data = lines([member(path, b"x") for path in paths])
    with pytest.raises(FormatError):
        Members(data, where="the list")


LARGE = member("a", bytes(CHUNKS_ABOVE + 1))
GARBAGE = {
    "a line that is cut off": lines([member("a", b"x")])[:-1],
    "no digest": b"x 1 " + b"a" * 32 + b" a\n",
    "a size below zero": b"a" * 64 + b" -1 " + b"a" * 32 + b" a\n",
    "an absurd size": b"a" * 64 + b" " + b"9" * 5000 + b" " + b"a" * 32 + b" a\n",
    "a listing in the place of a file": b"a" * 64 + b" 1 " + b"a" * 32 + b".dir a\n",
    "bytes that are no text": b"\xff\xfe\n",
    "JSON": b"[]\n",
    "chunks of no file": b" 1048576 " + b"a" * 64 + b"\n",
    "chunks twice": lines([LARGE]) + lines([LARGE]).splitlines(keepends=True)[1],
    "too few chunks": lines([LARGE])[:-65] + b"\n",
    "too many chunks": lines([LARGE])[:-1] + b"a" * 64 + b"\n",
    "chunks of no bytes": lines([LARGE]).replace(b" 1048576 ", b" 0 "),
    "half a digest": lines([LARGE])[:-32] + b"\n",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_a_list_is_none_with(data: bytes) -> None:
    with pytest.raises(FormatError):
        Members(data, where="the list")


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pe_dvc.documents.members.MOST_MEMBERS", 2)
    with pytest.raises(FormatError, match="more than 2 members"):
        Members(lines([member(name, b"x") for name in "abc"]), where="the list")


def test_a_list_of_another_directory_is_refused() -> None:
    ours = list_sorted([member("a", b"x")], where="ours")
    other = list_sorted([member("a", b"y")], where="other")
    with pytest.raises(DigestMismatchError, match="list of members"):
        read_members(
            other.data, sha256=ours.sha256, identity=ours.dir_hash, size=1, where="the list"
        )
    with pytest.raises(DigestMismatchError, match="dirHash"):
        read_members(other.data, sha256=None, identity=ours.dir_hash, size=None, where="x")
    with pytest.raises(FormatError, match="1 bytes, and the manifest says 2"):
        read_members(ours.data, sha256=None, identity=ours.dir_hash, size=2, where="x")
