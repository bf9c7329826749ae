"""A clone written by an attacker: what a researcher runs in there runs nothing of the clone's."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.workspace import ignored_by_dvc
from tests.support.paths import BIN

if TYPE_CHECKING:
    from pathlib import Path


def test_a_package_named_dvc_in_the_clone_is_not_run(tmp_path: Path) -> None:
    """``python -m dvc`` would take it for DVC, with the clone as the working directory."""
    clone, ran = tmp_path / "clone", tmp_path / "ran"
    (clone / "dvc").mkdir(parents=True)
    (clone / "dvc/__init__.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)
    subprocess.run([BIN / "dvc", "init", "--quiet"], cwd=clone, check=True)
    (clone / ".dvcignore").write_text("*.tmp\n")
    paths = [clone / "notes.tmp", clone / "notes.txt"]
    assert ignored_by_dvc(clone, paths) == {paths[0]}
    assert not ran.exists()
