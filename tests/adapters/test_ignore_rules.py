"""Git and libgit2 tell alike what is ignored, and where git does not answer libgit2 does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pygit2
import pytest

from pe_dvc.adapters.git.ignore_rules import IgnoreRules
from pe_dvc.adapters.git.repo import GitRepo
from pe_dvc.project.repo_files import read_dvc_files
from tests.support.commands import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RULES = "data/\n/out\n*.tmp\n!kept.tmp\nlater/\n/sub/*.bin\n"
PATHS = (
    *("data", "data/", "data/x", "data/x/f", "kept", "kept/data/", "kept/none/", "a.tmp"),
    *("kept.tmp", "out", "out/", "kept/out", "later", "later/", "later/x", "é ü"),
    *("link", "tracked.tmp"),
)
UNANSWERED = ("link/f", "link/a.tmp", "sub/a.bin", "sub/b")
"""Paths beyond a link and in a submodule: git refuses to say."""

DVCFILE = (
    b"outs:\n- md5: a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4\n  size: 1\n  hash: md5\n  path: f%d.csv\n"
)


@pytest.fixture(params=["", "inner"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A data repo with ignored files, at the top of its git repo or below."""
    run("git", "init", "--quiet", cwd=tmp_path)
    root = tmp_path / str(request.param)
    (root / "kept").mkdir(parents=True)
    (root / "data/x").mkdir(parents=True)
    (root / ".gitignore").write_text(RULES)
    for name in ("data/x/f", "kept/f", "a.tmp", "kept.tmp", "out", "tracked.tmp"):
        (root / name).touch()
    (root / "link").symlink_to("kept")
    run("git", "add", "--force", "tracked.tmp", cwd=root)
    run("git", "init", "--quiet", "sub", cwd=root)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    run("git", *who, "commit", "--quiet", "--allow-empty", "-m", "One", cwd=root / "sub")
    run("git", "-c", "advice.addEmbeddedRepo=false", "add", "sub", cwd=root)
    return root


def by_libgit2(root: Path, path: str) -> bool:
    repo = pygit2.Repository(pygit2.discover_repository(str(root)) or "")
    prefix = os.path.relpath(root, repo.workdir)
    return repo.path_is_ignored(os.path.normpath(f"{prefix}/{path}") + "/" * path.endswith("/"))


def test_git_tells_what_libgit2_tells(root: Path) -> None:
    with GitRepo(root).ignore_rules() as ignored:
        found = {path: ignored(path) for path in PATHS}
        assert ignored("caf\udce9.tmp"), "a name that is not UTF-8, which libgit2 cannot be asked"
    assert found == {path: by_libgit2(root, path) for path in PATHS}
    assert found["data/"]
    assert found["tracked.tmp"]
    assert not found["kept.tmp"]


def test_what_git_does_not_answer(root: Path) -> None:
    with GitRepo(root).ignore_rules() as ignored:
        for path in UNANSWERED:
            assert ignored(path) == by_libgit2(root, path), path
            assert ignored("data/"), "an answer is missing after one that git refused"
            assert not ignored("kept/f")
    assert by_libgit2(root, "sub/a.bin")


def test_many_are_told_as_each_by_itself(root: Path) -> None:
    """Also where git refuses one among them, and of paths as long as a file system has them."""
    deep = "/".join(["d" * 200] * 19)
    first = [*PATHS, f"{deep}/x", f"{deep}/x.tmp", "caf\udce9.tmp"]
    many = [f"n{number}.{kind}" for number in range(900) for kind in ("tmp", "csv")]
    with GitRepo(root).ignore_rules() as ignored:
        assert ignored.among(first) == {path for path in first if ignored(path)}
        assert ignored.among([]) == set()
        found = ignored.among([*many[:600], *UNANSWERED, *many[600:]])
    assert found == {path for path in (*many, *UNANSWERED) if by_libgit2(root, path)}
    assert len(found) > 900


def test_many_are_asked_about_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push of ten thousand datasets asked git twenty thousand times, and waited each time."""
    asked: list[int] = []
    ask = IgnoreRules._ask

    def counted(self: IgnoreRules, places: Sequence[str]) -> list[bool]:
        asked.append(len(places))
        return ask(self, places)

    monkeypatch.setattr(IgnoreRules, "_ask", counted)
    for number in range(500):
        (root / f"kept/f{number}.csv.dvc").write_bytes(DVCFILE % number)
    dvc = read_dvc_files(root, GitRepo(root))
    assert len(dvc.outputs) == 500
    assert sum(asked) > 500
    assert len(asked) < 20
