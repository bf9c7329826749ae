"""A clone in which git rewrites line endings: signatures still hold."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox


def rewritten_clone(sandbox: Sandbox) -> Path:
    """Return a clone with CRLF in all text files, as git makes it on Windows."""
    clone = sandbox.directory / "clone"
    windows = ("-c", "core.autocrlf=true")
    sandbox.run(
        "git", "clone", "--quiet", *windows, str(sandbox.repo), str(clone), cwd=sandbox.directory
    )
    sandbox.configure_remote(clone)
    return clone


@pytest.fixture
def rewritten(built: Sandbox) -> Path:
    """Return a CRLF clone of a published repo that has no .gitattributes: an older one."""
    built.run("git", "rm", "--quiet", ".gitattributes")
    built.run("git", "commit", "--quiet", "--message", "As an older pe_dvc left it")
    built.pe_dvc("push")
    clone = rewritten_clone(built)
    assert b"\r\n" in (clone / "channels/us/latest.json").read_bytes()
    assert b"\r\n" in (clone / "manifests/cps_2024.json").read_bytes()
    return clone


@pytest.mark.parametrize(
    "command",
    [
        ("pull",),
        ("check",),
        ("check", "--staged"),
        ("channel", "log", "latest"),
        ("channel", "status"),
    ],
    ids=" ".join,
)
def test_commands_work_in_it(built: Sandbox, rewritten: Path, command: tuple[str, ...]) -> None:
    built.pe_dvc(*command, cwd=rewritten)


def test_it_publishes_nothing_new(built: Sandbox, rewritten: Path) -> None:
    built.pe_dvc("pull", cwd=rewritten)
    built.pe_dvc("verify", cwd=rewritten)
    pushed = built.json("push", cwd=rewritten)
    assert pushed["channel"]["written"] == []
    assert pushed["uploaded"] == pushed["manifests"] == []


def test_its_root_is_the_root(built: Sandbox, rewritten: Path) -> None:
    """A reader compares the fingerprint that the maintainers announce."""
    announced = (built.repo / "channels/us/root.json").read_bytes()
    fingerprint = hashlib.sha256(announced).hexdigest()
    root = rewritten / "channels/us/root.json"
    built.pe_dvc("trust", "add", "us", str(root), "--fingerprint", fingerprint)
    built.pe_dvc("show", "us/cps_2024@latest", "--store", built.store, cwd=built.directory)


def test_what_was_committed_with_the_wrong_line_endings_still_counts(
    built: Sandbox, rewritten: Path
) -> None:
    built.run("git", "config", "core.autocrlf", "false", cwd=rewritten)
    built.run("git", "add", "--all", cwd=rewritten)
    built.run("git", "commit", "--quiet", "--message", "CRLF", cwd=rewritten)
    built.pe_dvc("pull", cwd=rewritten)
    for command in (("check", "--staged"), ("verify",), ("push",), ("channel", "log", "latest")):
        built.pe_dvc(*command, cwd=rewritten)


def test_an_edit_is_an_edit_whatever_the_line_endings(built: Sandbox, rewritten: Path) -> None:
    manifest = rewritten / "manifests/cps_2024.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows": 10', b'"rows": 11'))
    assert "differs  cps_2024" in built.pe_dvc("check", cwd=rewritten, code=1).stdout


def test_new_channels_come_with_gitattributes(built: Sandbox) -> None:
    clone = rewritten_clone(built)
    assert b"\r\n" in (clone / "build.py").read_bytes()
    assert b"\r\n" not in (clone / "channels/us/latest.json").read_bytes()
    assert b"\r\n" not in (clone / "manifests/cps_2024.json").read_bytes()


def test_lines_of_gitattributes_are_kept_and_added_once(built: Sandbox) -> None:
    ours = (built.repo / ".gitattributes").read_text()
    for before in ("*.ipynb filter=strip", "*.ipynb filter=strip\n" + ours):
        built.write(".gitattributes", before)
        shutil.rmtree(built.repo / "channels")
        shutil.rmtree(built.directory / "keys")
        built.pe_dvc("channel", "init", "--country", "us")
        assert (built.repo / ".gitattributes").read_text() == "*.ipynb filter=strip\n" + ours
