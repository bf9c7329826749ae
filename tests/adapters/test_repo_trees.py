"""Work tree, index and commit show the same files alike; each shows what only it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2
import pytest

from pe_dvc.adapters.git.repo import GitRepo
from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.adapters.git.trees import GitTree
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.primitives.errors import NotFoundError
from tests.support.commands import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.repo_tree import RepoTree

FILES = {
    "dvc.yaml": b"stages: {}",
    "b/x.json": b"{}",
    "b/c/y.json": b"1",
    "b-c/z": b"",
    "é ü/ß": b"\x00\xff",
}


def git(*arguments: str, cwd: Path) -> None:
    run("git", *arguments, cwd=cwd)


@pytest.fixture(params=["", "nested/repo"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a data repo with some files committed, at the top of its git repo or below."""
    git("init", "--quiet", cwd=tmp_path)
    root = tmp_path / str(request.param)
    for path, data in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (tmp_path / "outside").write_bytes(b"")
    git("add", ".", cwd=tmp_path)
    git("commit", "--quiet", "--message", "all", cwd=tmp_path)
    return root


def head(root: Path) -> GitTree:
    return GitTags(root, root=root).head()


TREES: dict[str, Callable[[Path], RepoTree]] = {
    "work tree": WorkTree,
    "index": lambda root: GitRepo(root).staged(),
    "commit": head,
}


@pytest.mark.parametrize("kind", TREES)
def test_the_same_files_look_alike(root: Path, kind: str) -> None:
    tree = TREES[kind](root)
    found = [path for path in tree.files() if not path.startswith((".git/", "outside"))]
    assert found == ["dvc.yaml", "b/x.json", "b/c/y.json", "b-c/z", "é ü/ß"]
    assert {path: tree.read(path) for path in found} == FILES
    assert all(map(tree.has, found))
    assert list(tree.files("b")) == ["b/x.json", "b/c/y.json"]
    assert tree.entries("b") == (["x.json"], ["c"])


@pytest.mark.parametrize("kind", TREES)
def test_what_is_not_there(root: Path, kind: str) -> None:
    tree = TREES[kind](root)
    for path in ("none", "b", "b/none", "dvc.yaml/x"):
        assert not tree.has(path)
        with pytest.raises(NotFoundError):
            tree.read(path)
    for folder in ("none", "dvc.yaml", "b/x.json"):
        assert tree.entries(folder) == ([], [])
        assert list(tree.files(folder)) == []
    assert "b/none" in tree.where("b/none")


def test_each_shows_its_own_version(root: Path) -> None:
    (root / "dvc.yaml").write_bytes(b"staged")
    git("add", "dvc.yaml", cwd=root)
    (root / "dvc.yaml").write_bytes(b"edited")
    assert [TREES[kind](root).read("dvc.yaml") for kind in TREES] == [
        b"edited",
        b"staged",
        b"stages: {}",
    ]


def test_the_index_of_a_hook_is_the_one_that_git_names(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/other-index")
    (root / "new").write_bytes(b"new")
    git("add", "new", cwd=root)
    assert list(GitRepo(root).staged().files()) == ["new"]
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert "new" not in list(GitRepo(root).staged().files())


def test_folders_that_are_links_are_not_followed(root: Path) -> None:
    (root / "link").symlink_to(root)
    (root / "file").symlink_to(root / "dvc.yaml")
    tree = WorkTree(root)
    assert "link" not in tree.entries("")[1]
    assert tree.read("file") == FILES["dvc.yaml"]


@pytest.mark.parametrize("name", [".", "..", "a/../../x", "/x"])
def test_no_name_in_a_commit_climbs_out_of_it(tmp_path: Path, name: str) -> None:
    repo = pygit2.init_repository(tmp_path, bare=True)
    blob = repo.create_blob(b"x")
    entry = f"100644 {name}".encode() + b"\x00" + bytes.fromhex(str(blob))
    plain = b"100644 plain\x00" + bytes.fromhex(str(blob))
    oid = repo.odb.write(pygit2.enums.ObjectType.TREE, entry + plain)
    assert list(GitTree(repo[oid], "", "0" * 40).files()) == ["plain"]


class Asked:
    """A folder of git's that notes what it is asked for."""

    def __init__(self, tree: pygit2.Tree) -> None:
        self._tree, self.asked = tree, list[str]()
        self.type_str = "tree"

    def __getitem__(self, path: str) -> object:
        self.asked.append(path)
        return self._tree[path]


def test_a_folder_of_a_commit_is_opened_once_for_all_its_files(tmp_path: Path) -> None:
    """git reads all of a folder to find a file: of 10,000 files each, that took minutes."""
    git("init", "--quiet", cwd=tmp_path)
    names = [f"data/{number}.dvc" for number in range(20)]
    (tmp_path / "data").mkdir()
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    git("add", ".", cwd=tmp_path)
    git("commit", "--quiet", "--message", "all", cwd=tmp_path)
    commit = pygit2.Repository(str(tmp_path)).head.peel(pygit2.Commit)
    top = Asked(commit.tree)
    tree = GitTree(top, "", str(commit.id))
    assert [tree.read(name) for name in names if tree.has(name)] == [n.encode() for n in names]
    assert top.asked == ["data"]
