"""What a push loads: start-up is a budget of modules, of which seconds follow."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tests.support.commands import run
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PROGRAM = """
import atexit, sys
sys.argv = ["pe-dvc", *sys.argv[1:]]
atexit.register(lambda: print("loaded", *sys.modules, file=sys.stderr))
from pe_dvc.cli.start import main
main()
"""
NOT_OF_A_PUSH = {
    *("dvc", "rich", "pyarrow", "h5py", "fsspec", "boto3", "urllib3", "requests"),
    *("asyncio", "IPython", "numpy", "pandas", "duckdb", "jinja2", "pydantic", "difflib", "pygit2"),
    *("pe_dvc.usecases.mirror.sync", "pe_dvc.documents.in_toto", "pe_dvc.usecases.site"),
}
MOST = 263
"""Modules of pe_dvc: one more than there are."""


def build(repo: HandMadeRepo, data: bytes) -> None:
    repo.build("d", data)
    repo.update_latest()
    run("git", "add", "--all", cwd=repo.root)
    run("git", "commit", "--quiet", "--message", "Build", cwd=repo.root)


def test_push_to_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "bucket"))
    repo.create("d")
    build(repo, b"data")
    run(sys.executable, "-m", "pe_dvc", "push", cwd=repo.root)
    build(repo, b"other data")
    done = run(sys.executable, "-c", PROGRAM, "push", cwd=repo.root, environment=dict(os.environ))
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("loaded "))
    loaded = set(line.split()[1:])
    assert "pe_dvc.usecases.publish.publication" in loaded
    assert sorted(loaded & NOT_OF_A_PUSH) == []
    ours = sorted(name for name in loaded if name.partition(".")[0] == "pe_dvc")
    assert len(ours) <= MOST, " ".join(ours)
