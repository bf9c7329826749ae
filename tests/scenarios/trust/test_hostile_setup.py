"""``pe-dvc init`` and ``add`` in a clone that an attacker wrote: links lead no write out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.commands import run, run_pe_dvc
from tests.support.dvc_repos import files

if TYPE_CHECKING:
    from pathlib import Path

VICTIM = "alias ls='ls --color'\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone in the home of its victim, who has a file and a folder there."""
    root = tmp_path / "home/clone"
    root.mkdir(parents=True)
    (tmp_path / "home/bashrc").write_text(VICTIM)
    (tmp_path / "home/folder").mkdir()
    run("git", "init", "--quiet", cwd=root)
    return root


def outside(clone: Path) -> dict[str, bytes]:
    """Return what the home has beside the clone."""
    found = files(clone.parent)
    return {path: data for path, data in found.items() if not path.startswith("clone/")}


def link(clone: Path, path: str, target: str) -> None:
    place = clone / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(clone.parent / target)


def set_up(clone: Path, code: int = 0) -> str:
    options = ("--country", "us", "--store", "s3://bucket")
    return run_pe_dvc("init", *options, cwd=clone, code=code).stderr


LINKS = {
    "settings": ("pyproject.toml", "bashrc"),
    "pipeline": ("dvc.yaml", "bashrc"),
    "ignored": (".gitignore", "bashrc"),
    "attributes": (".gitattributes", "bashrc"),
    "ignored-by-dvc": (".dvcignore", "new-file"),
    "workflow": (".github/workflows/publish.yml", "bashrc"),
    "workflows": (".github", "folder"),
    "channels": ("channels", "folder"),
    "dvc": (".dvc", "folder"),
}


@pytest.mark.parametrize("attack", LINKS)
def test_init(clone: Path, attack: str) -> None:
    (clone / "x.h5").touch()  # something to write into .gitignore
    link(clone, *LINKS[attack])
    before, there = outside(clone), files(clone)
    assert "link" in set_up(clone, code=1)
    assert outside(clone) == before
    assert files(clone) == there


def test_a_package_named_dvc_is_not_run(clone: Path) -> None:
    (clone / "dvc").mkdir()
    (clone / "dvc/__init__.py").write_text("open('../ran', 'w').close()\n")
    set_up(clone)
    assert "ran" not in outside(clone)


BESIDE = {
    "dvc-file": ("data/x.bin.dvc", "new-file"),
    "ignored": ("data/.gitignore", "bashrc"),
    "pipeline": ("dvc.yaml", "bashrc"),
    "notes-of-dvc": (".dvc/tmp/lock", "new-file"),
}


@pytest.mark.parametrize("attack", [*BESIDE, "folder", "cache"])
def test_add(clone: Path, attack: str) -> None:
    set_up(clone)
    (clone / "data").mkdir()
    (clone / "data/x.bin").write_bytes(b"\1\2")
    if attack == "folder":
        (clone.parent / "folder/x.bin").write_bytes(b"\1\2")
        (clone / "data/x.bin").unlink()
        (clone / "data").rmdir()
        link(clone, "data", "folder")
    elif attack == "cache":
        with (clone / ".dvc/config").open("a") as config:
            config.write(f"[cache]\n    dir = {clone.parent}/folder\n")
    else:
        link(clone, *BESIDE[attack])
    before = outside(clone)
    assert run_pe_dvc("add", "data/x.bin", cwd=clone, code=None).returncode in (1, 3)
    assert outside(clone) == before
